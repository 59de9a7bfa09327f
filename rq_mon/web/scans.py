"""Work that takes several requests: reading many failed jobs, and changing them."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, TypeVar

from redis import Redis

from rq_mon.jobs.failed import CHANGES, Change, Result
from rq_mon.state.failed_jobs import FailedJob, queues_of
from rq_mon.state.failure_groups import FailureGroups
from rq_mon.state.failure_pages import read_failures
from rq_mon.state.failure_selection import Selection

READING_SECONDS = 0.35
"""Seconds of a request; the rest of half a second is for the page."""
CHANGING_SECONDS = 1.0
MOST = 6
"""Scans of each kind that are kept for the next request; the least recently used one ends."""
MOST_GROUPS = 1000


@dataclass(slots=True)
class Scan:
    """A scan that reads failed jobs into groups."""

    selection: Selection
    groups: FailureGroups = field(default_factory=lambda: FailureGroups(MOST_GROUPS))
    looked_at: int = 0
    total: int = 0
    """Number of jobs to read."""
    is_done: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    lock: threading.Lock = field(default_factory=threading.Lock)
    _cursor: str | None = None

    @property
    def count(self) -> int:
        """Number of jobs found."""
        return self.groups.count + self.groups.without_group

    def read_on(self, connection: Redis) -> None:
        """Read for READING_SECONDS, the newest failures of each queue first."""
        with self.lock:
            if self.selection.ids:
                self._read_ids(connection)
                return
            queues = [self.selection.queue] if self.selection.queue is not None else queues_of(connection)
            page = read_failures(
                connection,
                queues,
                cursor=self._cursor,
                selection=self.selection,
                groups=self.groups,
                seconds=READING_SECONDS,
            )
            self.looked_at, self.total, self._cursor = page.read, page.total, page.next_cursor
            self.is_done = page.next_cursor is None

    def _read_ids(self, connection: Redis) -> None:
        for looked_at, jobs in self.selection.pages(connection):
            self.looked_at += looked_at
            self.groups.add(jobs)
        self.total, self.is_done = len(self.selection.ids), True


@dataclass(slots=True)
class ChangeRun:
    """A scan that changes failed jobs, and its results so far."""

    change: Change
    selection: Selection
    pages: Iterator[tuple[int, list[FailedJob]]]
    total: int
    looked_at: int = 0
    is_done: bool = False
    outcomes: Counter[Result] = field(default_factory=Counter)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def begin(cls, connection: Redis, change: Change, selection: Selection) -> ChangeRun:
        """Prepare a change of the selected jobs; nothing is changed yet."""
        return cls(change, selection, selection.pages(connection), selection.size(connection))

    def go_on(self, connection: Redis) -> int:
        """Change jobs for CHANGING_SECONDS, at least one page, and return their number."""
        with self.lock:
            ends, before = time.monotonic() + CHANGING_SECONDS, self.outcomes["done"]
            for looked_at, jobs in self.pages:
                self.looked_at += looked_at
                for queue, of_queue in groupby(jobs, key=lambda job: job.queue):
                    self.outcomes += CHANGES[self.change](connection, queue, [*of_queue])
                if time.monotonic() >= ends:
                    break
            else:
                self.is_done = True
            self.total = max(self.total, self.looked_at)
            return self.outcomes["done"] - before


Kept = TypeVar("Kept", Scan, ChangeRun)


class Shelf(Generic[Kept]):
    """Scans that the next request may continue; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scans: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, scan: Kept) -> None:
        """Keep a scan for its next request."""
        with self._lock:
            self._scans[scan.token] = scan
            self._scans.move_to_end(scan.token)
            while len(self._scans) > MOST:
                self._scans.popitem(last=False)

    def find(self, token: str) -> Kept | None:
        """Return the scan with this token; None if it ended."""
        with self._lock:
            return self._scans.get(token)
