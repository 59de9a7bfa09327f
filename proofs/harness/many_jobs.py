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


WRITE_FAILED_JOBS = """
    local first, queues, at, expiry, functions = unpack(ARGV, 1, 5)
    for offset = 0, #KEYS - 1 do
        local index, key = first + offset, KEYS[offset + 1]
        local number = index % 2 == 1 and 0 or index / 2 % queues
        local queue = string.format("queue-%04d", number)
        local of_function = index % functions
        redis.call("HSET", key, "status", "failed", "origin", queue, "data", ARGV[6 + functions + offset],
            "description", string.format("shop.orders.function_%d(%d)", of_function, index),
            "created_at", at, "enqueued_at", at, "started_at", at, "ended_at", at, "timeout", "180")
        local job = string.sub(key, 8)
        redis.call("XADD", "rq:results:" .. job, "*", "type", "2", "exc_string", ARGV[6 + of_function])
        redis.call("ZADD", "rq:failed:" .. queue, expiry + index, job)
    end
"""
"""In Redis, because making the commands in Python takes several times as long."""


def fail_many(redis: Redis, number: int, queues: int) -> None:
    """Write failed jobs to queues; half of them to the first one."""
    texts = [_text(line, f"Refusal{line % 7}Error") for line in range(FUNCTIONS)]
    now, until = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), time.time() + 86400
    write = redis.register_script(WRITE_FAILED_JOBS)
    for start in range(0, number, AT_ONCE):
        indexes = range(start, min(start + AT_ONCE, number))
        calls = [_call(f"shop.orders.function_{index % FUNCTIONS}", index) for index in indexes]
        keys = [f"rq:job:job-{index:06}" for index in indexes]
        write(keys=keys, args=[start, queues, now, until, FUNCTIONS, *texts, *calls])


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
