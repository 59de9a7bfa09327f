"""Jobs that RQ 3's rate limits hold back: in no queue and in no registry, only in a set of their limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rq_mon.state.pipeline import Reading, fair_share
from rq_mon.state.values import job_key, label_text

RATE_LIMITED = "rate_limited"
"""RQ 3's status of such a job; RQ 2 has no name for it."""

LIMITS_KEY = b"rq:rl-keys"
HELD_BACK_KEY = b"rq:rl:%b:rate_limited"

IDS_PER_LIMIT = 100
IDS_IN_ALL = 1000
"""Shared by the limits that hold jobs back. Usually all jobs of a limit belong to one queue."""


def read_held_back() -> Reading[dict[str, int] | None]:
    """Return how many jobs of each queue are held back; None if it cannot be known.

    A set is counted as a whole. Which queues its jobs belong to is looked up for the oldest of them, and
    assumed to be the same for the others.
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


def _by_queue(jobs: Sequence[Sequence[bytes | None] | None], length: int) -> Counter[str]:
    """Count jobs by queue, as if all `length` of them were like these; RQ drops those that are gone."""
    origins = Counter(
        label_text(job[0]) for job in jobs if job and job[0] and job[1] == RATE_LIMITED.encode()
    )
    scale = max(1.0, length / len(jobs)) if jobs else 1.0
    return Counter({origin: round(count * scale) for origin, count in origins.items()})
