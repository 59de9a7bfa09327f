"""Values as they stand in Redis, where anybody may have written anything."""

from __future__ import annotations

import math
from datetime import datetime

from scheduler.exporter.errors import Errors, Theme


def label_text(raw: bytes) -> str:
    r"""Return `raw` as the value of a label; a byte that is not UTF-8 becomes its escape, such as \xff."""
    return raw.decode("utf-8", "backslashreplace")


class Fields:
    """Parses the fields of one theme; what cannot be parsed is None, and counted."""

    def __init__(self, theme: Theme, errors: Errors) -> None:
        self._theme = theme
        self._errors = errors

    def skip(self, what: str) -> None:
        """Count something unreadable."""
        self._errors.count(self._theme, what)

    def number(self, raw: bytes, where: str) -> float | None:
        """Return a finite number."""
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.skip(f"{where} is {raw[:50]!r}, not a number")
            return None
        return value

    def timestamp(self, raw: bytes, where: str) -> float | None:
        """Return the Unix time of a date as RQ writes it: ISO 8601 in UTC."""
        try:
            moment = datetime.fromisoformat(raw.decode())
            if moment.tzinfo is None:
                raise ValueError(moment)  # noqa: TRY301
        except ValueError:
            self.skip(f"{where} is {raw[:50]!r}, not a date in UTC")
            return None
        return moment.timestamp()
