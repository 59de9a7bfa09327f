"""Shared by all pages: Redis, settings, and reading."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import current_app
from redis import Redis

from rq_mon.state.errors import Errors, Theme
from rq_mon.state.failure_selection import time_now
from rq_mon.state.pipeline import Reading, read_together
from rq_mon.web.scans import ChangeRun, Scan, Shelf
from rq_mon.web.settings import WebSettings

T = TypeVar("T")

SITE = "rq_mon_site"
READ_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Site:
    """One Redis, shown to one operator."""

    connection: Redis
    settings: WebSettings
    errors: Errors = field(default_factory=Errors)
    """Unreadable data is logged once."""
    scans: Shelf[Scan] = field(default_factory=Shelf)
    change_runs: Shelf[ChangeRun] = field(default_factory=Shelf)

    def now(self) -> float:
        """Return the time by the clock of Redis."""
        return time_now(self.connection)

    def read(self, **readings: Reading[Any]) -> dict[Theme, Any]:
        """Return the result of each reading.

        Raises:
            RedisError, TimeoutError: Redis cannot be read, or not in time.
        """
        deadline = time.monotonic() + READ_SECONDS
        return read_together(self.connection, readings, self.errors, deadline)  # type: ignore[arg-type]


def site() -> Site:
    """Return the site of this request."""
    found: Site = current_app.extensions[SITE]
    return found
