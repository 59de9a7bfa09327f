"""Ids of cron jobs. One that was given none has the same in every process, whatever its schedule."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Iterable
from typing import Any

ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,150}")
"""RQ's rule for ids of jobs, which begin with the id of their cron job."""

LITERALS = (type(None), bool, int, float, complex, str, bytes)


def check_id(cron_job_id: object) -> str:
    """Return `cron_job_id` if ids of RQ jobs can begin with it."""
    if not isinstance(cron_job_id, str):
        raise TypeError(f"id: expected a string, got {cron_job_id!r}")
    if not ID_PATTERN.fullmatch(cron_job_id):
        raise ValueError(f"id: expected 1 to 150 letters, digits, '-' and '_', got {cron_job_id!r}")
    return cron_job_id


def shown_id(raw_id: bytes) -> str:
    r"""Return an id from Redis as text; a byte that is not UTF-8 becomes its escape, such as \xff."""
    return raw_id.decode(errors="backslashreplace")


def derived_id(name: str, function: object, queue_name: str, args: tuple[Any, ...], kwargs: Any) -> str:
    """Return an id that begins with the function's name and tells its queue and arguments apart.

    The schedule is no part of it: a cron job whose schedule is changed stays the same cron job.

    Raises:
        ValueError: an argument contains itself.
    """
    try:
        identity = _canonical((function, queue_name, args, kwargs))
    except RecursionError as error:
        raise ValueError("id: expected one, an argument that contains itself gives none") from error
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name.rpartition(".")[2])[:100]
    return f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _canonical(value: object) -> str:
    """Return text that is equal for equal values in every process.

    A pickle is not: it depends on the order of sets and on which equal objects are one.
    """
    kind = type(value)
    if kind in LITERALS:
        return repr(value)
    if kind in (list, tuple):
        return f"{kind.__name__}({_joined(value)})"  # type: ignore[arg-type]
    if kind in (set, frozenset):
        return f"{kind.__name__}({','.join(sorted(map(_canonical, value)))})"  # type: ignore[call-overload]
    if kind is dict:
        return f"dict({','.join(sorted(map(_canonical, value.items())))})"  # type: ignore[attr-defined]
    if inspect.isclass(value) or inspect.isfunction(value) or inspect.isbuiltin(value):
        return f"{value.__module__}.{value.__qualname__}"
    return _canonical_by_reduction(value)


def _canonical_by_reduction(value: object) -> str:
    """Take any other object apart as pickle does: what builds it, from what, and its state."""
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return f"{type(value).__module__}.{reduced}"
    build, arguments, *rest = reduced
    parts = [list(part) if isinstance(part, Iterable) and not _is_plain(part) else part for part in rest]
    return f"object({_joined([build, arguments, *parts])})"


def _is_plain(part: object) -> bool:
    return isinstance(part, (str, bytes, dict, list, tuple, set, frozenset))


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(_canonical, values))
