"""Jobs in Redis, written without RQ: many at once, and old ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from redis import Redis

_numbers = count()


def wait_in_queue(client: Redis, queue: str, ages: Sequence[float | None]) -> list[str]:
    """Append jobs that have waited for these seconds, and return their ids; None: the job has expired."""
    ids = [f"{queue}-{next(_numbers)}" for _ in ages]
    with client.pipeline(transaction=False) as pipe:
        pipe.sadd("rq:queues", f"rq:queue:{queue}")
        pipe.rpush(f"rq:queue:{queue}", *ids)
        for job_id, age in zip(ids, ages, strict=True):
            if age is not None:
                enqueued_at = datetime.fromtimestamp(time.time() - age, UTC)
                pipe.hset(f"rq:job:{job_id}", "enqueued_at", enqueued_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        pipe.execute()
    return ids
