"""What the exporter could not read: counted by reason, and logged once."""

from __future__ import annotations

import logging
import threading
from typing import Literal, get_args

from redis import exceptions

logger = logging.getLogger(__name__)

Outage = Literal[
    "unreachable", "timeout", "loading", "authentication", "permission", "redis_error", "internal"
]
"""Why nothing at all could be read; goes with `rq_redis_up 0`."""

Theme = Literal["workers", "queues", "jobs", "cron"]
"""Where Redis holds something unreadable, which is left out while all else is served."""

Reason = Outage | Theme | Literal["objectives"]
OUTAGES: tuple[Outage, ...] = get_args(Outage)
REASONS: tuple[Reason, ...] = (*OUTAGES, *get_args(Theme), "objectives")

MAX_REMEMBERED = 1000

# The first match counts, so a subclass stands before its base.
_OUTAGES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Outage], ...] = (
    ((exceptions.TimeoutError, TimeoutError), "timeout"),
    (exceptions.BusyLoadingError, "loading"),
    ((exceptions.AuthenticationError, exceptions.AuthenticationWrongNumberOfArgsError), "authentication"),
    (exceptions.NoPermissionError, "permission"),
    ((exceptions.ConnectionError, OSError), "unreachable"),
    (exceptions.RedisError, "redis_error"),
)


def outage_reason(error: Exception) -> Outage:
    """Name the reason for which `error` kept everything from being read; `internal` is a fault of ours."""
    return next((reason for kind, reason in _OUTAGES if isinstance(error, kind)), "internal")


class Errors:
    """Counts by reason, from any thread. Every reason exists at 0, so that increase() sees the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self._logged: set[tuple[Reason, str]] = set()

    def count(self, reason: Reason, detail: str) -> None:
        """Count one error, and log it unless the same was logged before: scrapes come every few seconds."""
        with self._lock:
            self._counts[reason] += 1
            is_new = (reason, detail) not in self._logged and len(self._logged) < MAX_REMEMBERED
            if is_new:
                self._logged.add((reason, detail))
        if is_new:
            logger.warning("%s: %s", reason, detail)

    def outage(self, error: Exception) -> None:
        """Count that nothing could be read, because of `error`."""
        reason = outage_reason(error)
        self.count(reason, f"Redis cannot be read: {error}")
        if reason == "internal":
            logger.error("this is a fault of the exporter", exc_info=error)

    def outage_is_over(self) -> None:
        """Note that Redis can be read, so that the next outage is logged like the first."""
        with self._lock:
            outages = {entry for entry in self._logged if entry[0] in OUTAGES}
            self._logged -= outages
        if outages:
            logger.info("Redis can be read again")

    def counts(self) -> dict[Reason, int]:
        """Return a copy of the counts."""
        with self._lock:
            return dict(self._counts)
