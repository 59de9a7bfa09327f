"""Readings of many failed jobs that go on from one request to the next."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from redis import Redis

from rq_mon.jobs.failed import Result
from rq_mon.state.failed_jobs import FailedJob
from rq_mon.state.failure_groups import FailureGroups
from rq_mon.state.failure_selection import Selection

READING_SECONDS = 0.35
"""Of a request; the rest of half a second is for the page."""
MOST = 6
"""Readings that are kept for their next request; the one that was not used for longest ends."""
MOST_GROUPS = 1000


@dataclass(slots=True)
class Scan:
    """One reading of failed jobs, and what it found so far."""

    selection: Selection
    pages: Iterator[tuple[int, list[FailedJob]]]
    total: int
    """Jobs that there were when it began."""
    looked_at: int = 0
    is_done: bool = False
    groups: FailureGroups = field(default_factory=lambda: FailureGroups(MOST_GROUPS))
    outcomes: Counter[Result] = field(default_factory=Counter)
    """What became of jobs that are changed on the way."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def begin(cls, connection: Redis, selection: Selection) -> Scan:
        """Begin to read the jobs of a selection."""
        return cls(selection, selection.pages(connection), selection.size(connection))

    def batches(self, seconds: float = READING_SECONDS) -> Iterator[list[FailedJob]]:
        """Give the next jobs, a page at a time, for so many seconds; at least one page."""
        ends = time.monotonic() + seconds
        for looked_at, jobs in self.pages:
            self.looked_at += looked_at
            yield jobs
            if time.monotonic() >= ends:
                break
        else:
            self.is_done = True
        self.total = max(self.total, self.looked_at)

    def group(self) -> None:
        """Read on, and add what is found to the groups."""
        with self.lock:
            for jobs in self.batches():
                self.groups.add(jobs)


class Scans:
    """Those that a next request may go on with, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scans: OrderedDict[str, Scan] = OrderedDict()

    def keep(self, scan: Scan) -> None:
        """Keep one for its next request."""
        with self._lock:
            self._scans[scan.token] = scan
            self._scans.move_to_end(scan.token)
            while len(self._scans) > MOST:
                self._scans.popitem(last=False)

    def find(self, token: str) -> Scan | None:
        """Return the one with this token; None if it ended."""
        with self._lock:
            return self._scans.get(token)
