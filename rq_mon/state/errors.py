"""Read errors of the exporter: counted by reason, and logged once."""

from __future__ import annotations

import logging
import threading
from typing import Literal, get_args

from redis import exceptions

from rq_mon.connection.tls import TlsError

logger = logging.getLogger(__name__)

Outage = Literal[
    "unreachable", "timeout", "loading", "tls", "authentication", "permission", "redis_error", "internal"
]
"""Reasons why nothing could be read, with `rq_redis_up 0`."""

Theme = Literal["workers", "queues", "jobs", "cron"]
"""Places of unreadable data. It is skipped; everything else is served."""

Reason = Outage | Theme | Literal["objectives"]
REASONS: tuple[Reason, ...] = (*get_args(Outage), *get_args(Theme), "objectives")

MAX_REMEMBERED = 1000
"""Different errors that are logged, at most: garbage in Redis must not fill the log or our memory."""

# The first match counts, so subclasses come before their base class.
_OUTAGES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Outage], ...] = (
    ((exceptions.TimeoutError, TimeoutError), "timeout"),
    (exceptions.BusyLoadingError, "loading"),
    ((exceptions.AuthenticationError, exceptions.AuthenticationWrongNumberOfArgsError), "authentication"),
    (exceptions.NoPermissionError, "permission"),
    (TlsError, "tls"),
    ((exceptions.ConnectionError, OSError), "unreachable"),
    (exceptions.RedisError, "redis_error"),
)


def outage_reason(error: Exception) -> Outage:
    """Return the reason why `error` kept everything from being read; `internal` is our own bug."""
    return next((reason for kind, reason in _OUTAGES if isinstance(error, kind)), "internal")


class Problems:
    """Unreadable data that a reading met, to be counted each time its result is used."""

    def __init__(self) -> None:
        self._found: list[tuple[Theme, str]] = []

    def count(self, reason: Theme, detail: str) -> None:
        """Note one error."""
        self._found.append((reason, detail))

    def pass_to(self, errors: Errors) -> None:
        """Count all of them."""
        for reason, detail in self._found:
            errors.count(reason, detail)


class Errors:
    """Counts by reason; thread-safe. Every reason starts at 0, so that increase() sees the first error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self._logged: set[tuple[Reason, str]] = set()
        self._outage: str | None = None

    def count(self, reason: Reason, detail: str) -> None:
        """Count one error, and log it unless it was logged before: scrapes come every few seconds."""
        with self._lock:
            self._counts[reason] += 1
            is_new = (reason, detail) not in self._logged and len(self._logged) < MAX_REMEMBERED
            if is_new:
                self._logged.add((reason, detail))
        if is_new:
            logger.warning("%s: %s", reason, detail)

    def outage(self, error: Exception) -> None:
        """Count a failure to read anything, and log it once per outage."""
        reason, detail = outage_reason(error), f"{type(error).__name__}: {error}"
        with self._lock:
            self._counts[reason] += 1
            before, self._outage = self._outage, detail
        if detail != before:
            is_ours = reason == "internal"
            logger.error("Redis cannot be read, %s: %s", reason, detail, exc_info=error if is_ours else None)

    def outage_is_over(self) -> None:
        """Record that Redis can be read."""
        with self._lock:
            before, self._outage = self._outage, None
        if before is not None:
            logger.info("Redis can be read again")

    def counts(self) -> dict[Reason, int]:
        """Return a copy of the counts."""
        with self._lock:
            return dict(self._counts)
