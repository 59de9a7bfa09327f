"""Jobs that RQ 3's rate limits hold back: in no queue and no registry, only in a set of their limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from redis import Redis

from rq_mon.state.pipeline import Reading, fair_share
from rq_mon.state.values import job_key, label_text

RATE_LIMITED = "rate_limited"
"""RQ 3's status of such a job, which RQ 2 does not have."""

LIMITS_KEY = b"rq:rl-keys"
HELD_BACK_KEY = b"rq:rl:%b:rate_limited"

IDS_PER_LIMIT = 100
IDS_IN_ALL = 1000
"""Jobs read for all limits together. Usually all jobs of a limit belong to one queue."""


def read_held_back() -> Reading[dict[str, int] | None]:
    """Return how many jobs of each queue are held back; None if that cannot be known.

    A set is counted as a whole. The queues of its oldest jobs are read, and assumed to represent the rest.
    """
    (limits,) = yield [("SMEMBERS", LIMITS_KEY)]
    if limits is None:
        return None
    keys = [HELD_BACK_KEY % limit for limit in sorted(limits)]
    lengths = yield [("ZCARD", key) for key in keys]
    held = {key: length for key, length in zip(keys, lengths, strict=True) if length}

    share = fair_share(len(held), IDS_PER_LIMIT, IDS_IN_ALL)
    pages = yield [("ZRANGE", key, 0, share - 1) for key in held]
    jobs = iter((yield [("HMGET", job_key(i), "origin", "status") for page in pages for i in page or ()]))
    found: Counter[str] = Counter()
    for length, page in zip(held.values(), pages, strict=True):
        found += _by_queue([next(jobs) for _ in page or ()], length)
    return dict(found)


def held_back_of(connection: Redis, queue: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Read all held-back jobs of a queue, page by page, each with the key that has its ids.

    The caller may delete a page's jobs before it asks for the next page.

    Raises:
        ResponseError: the key that lists the limits has a wrong type. A limit with a wrong type is skipped.
    """
    limits: Any = connection.smembers(LIMITS_KEY.decode())
    for key in [HELD_BACK_KEY % limit for limit in sorted(limits)]:
        cursor: int | None = None if connection.type(key) == b"zset" else 0
        while cursor != 0:
            cursor, page = connection.zscan(key, cursor or 0, count=IDS_PER_LIMIT)  # type: ignore[misc]
            ids = [job_id for job_id, _ in page]
            with connection.pipeline(transaction=False) as reads:
                for job_id in ids:
                    reads.hmget(job_key(job_id), ["origin", "status"])  # type: ignore[arg-type]
                jobs = reads.execute(raise_on_error=False)
            wanted = [queue, RATE_LIMITED.encode()]
            yield key, [job_id for job_id, job in zip(ids, jobs, strict=True) if job == wanted]


def _by_queue(jobs: Sequence[Sequence[bytes | None] | None], length: int) -> Counter[str]:
    """Count jobs by queue, as if all `length` jobs were like these; skip jobs that are gone."""
    origins = Counter(
        label_text(job[0]) for job in jobs if job and job[0] and job[1] == RATE_LIMITED.encode()
    )
    scale = max(1.0, length / len(jobs)) if jobs else 1.0
    return Counter({origin: round(count * scale) for origin, count in origins.items()})
