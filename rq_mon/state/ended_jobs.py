"""Jobs that ended since the last look, found with a few read-only commands per queue.

RQ sorts finished and failed jobs by expiry. So a job that just ended is near the end of its registry, unless
others are kept longer. A job that was listed as running and no longer is has ended, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.job import JobStatus

from rq_mon.state.failed_jobs import failure_of
from rq_mon.state.failure_selection import time_now
from rq_mon.state.queues import REGISTRIES
from rq_mon.state.stored_jobs import FIELDS, SMALL, pipeline, results_key, stored_job_of
from rq_mon.state.values import job_key, label_text, moment_of

JOBS_PER_LOOK = 100
"""Jobs that one look reads in each registry of a queue, and reports per queue."""

QUEUES_AT_ONCE = 30

MOST_REMEMBERED = 10_000

ENDS = {each.value for each in (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED)}

MOST_CLOCK_DIFFERENCE = 60.0
"""Seconds by which a worker's clock may be behind that of Redis."""

# One command for any number of jobs. Large values are not read; the function may then be unknown.
_READ = f"""
local jobs, results = ARGV[1], ARGV[2]
local found = {{}}
for i = 3, #ARGV do
    local id = ARGV[i]
    local row = redis.pcall('HMGET', jobs .. id, {", ".join(f"'{name}'" for name in FIELDS)})
    local data, description, entry = '', '', {{}}
    if not row.err then
        local function small(name)
            if redis.call('HSTRLEN', jobs .. id, name) > {SMALL} then return '' end
            return redis.call('HGET', jobs .. id, name) or ''
        end
        data, description = small('data'), small('description')
        local size = redis.pcall('MEMORY', 'USAGE', results .. id)
        if type(size) == 'number' and size <= {SMALL} then
            entry = redis.pcall('XREVRANGE', results .. id, '+', '-', 'COUNT', 1)
            if entry.err then entry = {{}} end
        end
        found[#found + 1] = {{id, row, data, description, entry}}
    end
end
return found
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """A job that ended. Times are Unix times, spans seconds."""

    id: str
    queue: str
    function: str
    status: str
    """finished, failed or stopped."""
    ended_at: float
    run_seconds: float | None
    exception: str
    """Exception class, as in the metrics; empty if it did not fail."""
    last_line: str
    worker: str


@dataclass(slots=True)
class _Seen:
    """The content of a queue's registries at the last look."""

    kept: frozenset[tuple[bytes, float]] | None = None
    """None before the first."""
    running: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class EndedJobs:
    """Finds the ended jobs of queues, look by look."""

    connection: Redis
    queues: Sequence[str]
    _since: float | None = None
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _reported: dict[tuple[str, float], None] = field(default_factory=dict)
    """Reported ends, by id and time: a job may be found twice, as no longer running and in a registry."""

    def look(self) -> list[EndedJob]:
        """Return the jobs that ended since the last look, the earliest first; nothing at the first look.

        Raises:
            RedisError: Redis cannot be read.
        """
        if self._since is None:
            self._since = time_now(self.connection) - MOST_CLOCK_DIFFERENCE
        found = [
            job
            for start in range(0, len(self.queues), QUEUES_AT_ONCE)
            for job in self._look_at(self.queues[start : start + QUEUES_AT_ONCE])
        ]
        new = [job for job in found if (job.id, job.ended_at) not in self._reported]
        self._reported |= dict.fromkeys((job.id, job.ended_at) for job in new)
        for oldest in [*self._reported][:-MOST_REMEMBERED]:
            del self._reported[oldest]
        return sorted(new, key=lambda job: job.ended_at)

    def _look_at(self, queues: Sequence[str]) -> Iterator[EndedJob]:
        with pipeline(self.connection) as reads:
            for queue in queues:
                name = queue.encode(errors="surrogateescape")
                for status in (JobStatus.FINISHED, JobStatus.FAILED):
                    # Jobs that are kept forever would come before all others.
                    key, most = REGISTRIES[status] + name, JOBS_PER_LOOK
                    reads.zrevrangebyscore(key, "(inf", 0, start=0, num=most, withscores=True)
                reads.zrange(REGISTRIES[JobStatus.STARTED] + name, 0, JOBS_PER_LOOK - 1)
            replies = iter([_known(reply) for reply in reads.execute(raise_on_error=False)])
        new = {queue: self._new(queue, [*next(replies), *next(replies)], next(replies)) for queue in queues}
        yield from self._read({queue: ids[:JOBS_PER_LOOK] for queue, ids in new.items() if ids})

    def _new(self, queue: str, kept: Iterable[tuple[bytes, float]], running: Iterable[bytes]) -> list[bytes]:
        """Return the ids of jobs that may have ended since the last look."""
        before = self._seen.get(queue, _Seen())
        now = _Seen(frozenset(kept), frozenset(member.rpartition(b":")[0] for member in running))
        self._seen[queue] = now
        if before.kept is None or now.kept is None:
            return []
        came = sorted(now.kept - before.kept, key=lambda each: -each[1])
        return [*dict.fromkeys([*(raw_id for raw_id, _ in came), *(before.running - now.running)])]

    def _read(self, ids: dict[str, list[bytes]]) -> Iterator[EndedJob]:
        with pipeline(self.connection) as reads:
            for of_queue in ids.values():
                reads.eval(_READ, 0, job_key(b""), results_key(b""), *of_queue)
            replies = [_known(reply) for reply in reads.execute(raise_on_error=False)]
        for queue, rows in zip(ids, replies, strict=True):
            for raw_id, row, data, description, entry in rows:
                job = _ended(queue, raw_id, row, data, description, entry)
                if job is not None and job.ended_at >= (self._since or 0):
                    yield job


def _ended(
    queue: str, raw_id: bytes, row: Any, data: bytes, description: bytes, entry: Any
) -> EndedJob | None:
    stored = stored_job_of(row, data, description, entry)
    status = label_text(stored.fields["status"])
    started_at, ended_at = moment_of(stored.fields["started_at"]), moment_of(stored.fields["ended_at"])
    if ended_at is None and stored.failure_id:  # RQ records no end time for a stopped or abandoned job
        ended_at = int(stored.failure_id.partition(b"-")[0]) / 1000
    if status not in ENDS or ended_at is None:
        return None
    has_failed = status != JobStatus.FINISHED.value
    exception, last_line = failure_of(stored) if has_failed else ("", "")
    return EndedJob(
        id=raw_id.decode(errors="surrogateescape"),
        queue=queue,
        function=stored.function,
        status=status,
        ended_at=ended_at,
        run_seconds=None if started_at is None else max(0.0, ended_at - started_at),
        exception=exception,
        last_line=last_line,
        worker=label_text(stored.fields["worker_name"]),
    )


def _known(reply: Any) -> Any:
    """Return an empty reply for an error: the key has a wrong type, or a right is missing."""
    return () if isinstance(reply, ResponseError) else reply
