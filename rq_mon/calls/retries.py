"""How often a failed job is retried, and after which delays."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal

from rq import Retry

from rq_mon.calls.arguments import check_seconds

RetryIntervals = float | Sequence[float]
"""Seconds before a retry: one number for all, or one for each."""

DEFAULT_RETRY = Retry(max=3)
"""Three retries without delay: the default of `job_scheduler`."""


def is_default(retry: Retry | None) -> bool:
    """Return whether a policy is the default one."""
    return retry is not None and (retry.max, retry.intervals) == (DEFAULT_RETRY.max, DEFAULT_RETRY.intervals)


def retry_backoff_intervals(
    max_retries: int, retry_backoff: bool | int, is_backoff_an_int: bool
) -> list[int] | Literal[0]:
    """Return the seconds to wait before each retry; 0, no wait, when `retry_backoff` is off.

    True gives 1, 4, 9, ...; a number n gives n, (n+1)², (n+2)², ...
    """
    if retry_backoff is not True and not is_backoff_an_int:
        return 0
    start = int(retry_backoff)
    return [start, *((start + retry) ** 2 for retry in range(1, max_retries))][:max_retries]


def retry_policy(
    max_retries: int | None, retry_backoff: bool | int = False, retry_intervals: RetryIntervals = 0
) -> Retry | None:
    """Return RQ's policy for these arguments of `job_scheduler`; None for a job without retries.

    Raises:
        TypeError, ValueError: an argument is invalid; the message has its name, its value and what is
            expected.
    """
    retries = _check_max_retries(max_retries)
    backs_off = _check_backoff(retry_backoff)
    intervals = _check_intervals(retry_intervals, retries)
    if retries == 0:
        return None
    if backs_off:
        is_int = retry_backoff is not True
        return Retry(max=retries, interval=retry_backoff_intervals(retries, retry_backoff, is_int))
    return Retry(max=retries, interval=intervals)


def _check_max_retries(max_retries: object) -> int:
    if max_retries is None:
        return 0
    if not isinstance(max_retries, int) or isinstance(max_retries, bool):
        raise TypeError(f"max_retries: expected a whole number or None, got {max_retries!r}")
    if max_retries < 0:
        raise ValueError(f"max_retries: expected at least 0, or None, got {max_retries!r}")
    return max_retries


def _check_backoff(retry_backoff: object) -> bool:
    if not isinstance(retry_backoff, int):
        raise TypeError(
            f"retry_backoff: expected True, False or a whole number of seconds, got {retry_backoff!r}"
        )
    if retry_backoff < 0:
        raise ValueError(f"retry_backoff: expected at least 0 seconds, got {retry_backoff!r}")
    return bool(retry_backoff)


def _check_intervals(intervals: object, max_retries: int) -> list[int]:
    """Round up to whole seconds, which RQ's scheduler works in."""
    if isinstance(intervals, Sequence) and not isinstance(intervals, (str, bytes)):
        # RQ would drop the first entries of a list that is too long, not the last.
        if not 1 <= len(intervals) <= max(max_retries, 1):
            raise ValueError(
                f"retry_intervals: expected 1 to {max(max_retries, 1)} intervals"
                f" for max_retries={max_retries}, got {list(intervals)!r}"
            )
        return [ceil(check_seconds(interval, "retry_intervals")) for interval in intervals]
    return [ceil(check_seconds(intervals, "retry_intervals"))]
