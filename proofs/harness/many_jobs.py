"""Many jobs, queues and workers, written without RQ, which would take minutes."""

from __future__ import annotations

import pickle
import time
import zlib
from base64 import b64encode
from datetime import UTC, datetime

from redis import Redis

AT_ONCE = 2000
FUNCTIONS = 40
TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/orders.py", line {line}, in charge
    raise {exception}("card refused")
shop.errors.{exception}: card {line} was refused by the bank; ask for another one
"""


def fail_many(redis: Redis, number: int, queues: int) -> None:
    """Write failed jobs to queues; half of them to the first one."""
    texts = [_text(line, f"Refusal{line % 7}Error") for line in range(FUNCTIONS)]
    now, until = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), time.time() + 86400
    for start in range(0, number, AT_ONCE):
        with redis.pipeline(transaction=False) as pipe:
            for index in range(start, min(start + AT_ONCE, number)):
                queue = f"queue-{0 if index % 2 else index // 2 % queues:04}"
                job, function = f"job-{index:06}", index % FUNCTIONS
                pipe.hset(
                    f"rq:job:{job}",
                    mapping={
                        "status": "failed",
                        "origin": queue,
                        "data": _call(f"shop.orders.function_{function}", index),
                        "description": f"shop.orders.function_{function}({index})",
                        "created_at": now,
                        "enqueued_at": now,
                        "started_at": now,
                        "ended_at": now,
                        "timeout": "180",
                    },
                )
                pipe.xadd(f"rq:results:{job}", {"type": "2", "exc_string": texts[function]})
                pipe.zadd(f"rq:failed:{queue}", {job: until + index})
            pipe.execute()


def list_queues(redis: Redis, number: int) -> None:
    """Register queues with RQ, each with a waiting job."""
    with redis.pipeline(transaction=False) as pipe:
        for index in range(number):
            pipe.sadd("rq:queues", f"rq:queue:queue-{index:04}")
            pipe.rpush(f"rq:queue:queue-{index:04}", "job-000000")
        pipe.execute()


def register_workers(redis: Redis, number: int) -> None:
    """Register busy workers."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with redis.pipeline(transaction=False) as pipe:
        for index in range(number):
            key = f"rq:worker:worker-{index:04}"
            pipe.sadd("rq:workers", key)
            pipe.hset(
                key,
                mapping={
                    "birth": now,
                    "last_heartbeat": now,
                    "queues": f"queue-{index:04}",
                    "state": "busy",
                    "current_job": f"job-{index:06}",
                },
            )
            pipe.expire(key, 3600)
        pipe.execute()


def _call(function: str, argument: int) -> bytes:
    return zlib.compress(pickle.dumps((function, None, (argument,), {})))


def _text(line: int, exception: str) -> bytes:
    return b64encode(zlib.compress(TRACEBACK.format(line=line, exception=exception).encode()))
