"""Parses values from Redis, where any program may have written anything."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rq.job import Job

from rq_mon.state.errors import Errors, Problems, Theme


def label_text(raw: bytes) -> str:
    r"""Return `raw` as a label value; a byte that is not UTF-8 becomes an escape such as \xff."""
    return raw.decode("utf-8", "backslashreplace")


def job_key(job_id: bytes) -> bytes:
    """Return the key of a job's hash."""
    return Job.redis_job_namespace_prefix.encode() + job_id


def hash_of(reply: Any) -> dict[bytes, bytes]:
    """Return the reply to HGETALL as a dict, as in RESP3; empty for a wrong type."""
    if isinstance(reply, dict):
        return reply
    return dict(zip(reply[::2], reply[1::2], strict=True)) if reply else {}


def names_of(members: Iterable[bytes], prefix: bytes, where: str, fields: Fields) -> dict[str, bytes]:
    """Return the keys in a set, by their name after `prefix`.

    Members without the prefix are skipped, and names that look like another when shown.
    """
    names: dict[str, bytes] = {}
    for member in sorted(members):
        name = label_text(member.removeprefix(prefix))
        if member.startswith(prefix) and name not in names:
            names[name] = member
        else:
            fields.skip(
                f"{member[:100]!r} in {where} is not a key of this package, or has the same text as another"
            )
    return names


def moment_of(raw: bytes) -> float | None:
    """Return the Unix time of a date in RQ's format; None if invalid."""
    try:
        return datetime.fromisoformat(raw.decode()).timestamp() if raw else None
    except (ValueError, OverflowError):
        return None


def number_of(raw: bytes) -> float | None:
    """Return a finite number; None if invalid."""
    try:
        value = float(raw) if raw else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class Fields:
    """Parses the fields of one theme. Invalid values become None and are counted."""

    def __init__(self, theme: Theme, errors: Errors | Problems) -> None:
        self._theme = theme
        self._errors = errors

    def skip(self, what: str) -> None:
        """Count an unreadable value."""
        self._errors.count(self._theme, what)

    def number(self, raw: bytes, what: str, whose: object) -> float | None:
        """Return a finite number; `what` and `whose` describe its place in the log."""
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.skip(f"{what} {whose!r} is {raw[:50]!r}, not a number")
            return None
        return value

    def count(self, raw: bytes, what: str, whose: object) -> float | None:
        """Return a number of at least 0, as a counter needs."""
        value = self.number(raw, what, whose)
        if value is not None and value < 0:
            self.skip(f"{what} {whose!r} is {raw[:50]!r}, below 0")
            return None
        return value

    def timestamp(self, raw: bytes, what: str, whose: object) -> float | None:
        """Return the Unix time of a date in RQ's format, ISO 8601 in UTC."""
        try:
            moment = datetime.fromisoformat(raw.decode())
            if moment.tzinfo is None:
                raise ValueError(moment)  # noqa: TRY301
        except ValueError:
            self.skip(f"{what} {whose!r} is {raw[:50]!r}, not a date in UTC")
            return None
        return moment.timestamp()
