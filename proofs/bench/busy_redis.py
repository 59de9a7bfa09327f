"""A Redis with a given number of workers, queues and functions, in the format of RQ and our workers."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from time import time
from uuid import uuid4

from redis import Redis

from rq_mon.catalogue import MONITORED_WORKER_FIELD, WORKER_VERSION_FIELD, Outcome
from rq_mon.state.queues import REGISTRIES
from rq_mon.worker.recorder import End, JobRecorder, Start

QUEUES_PER_WORKER = 3
RUN_TIMES = (0.003, 0.02, 0.7)
FAILS_EVERY = 5


def fill_with_workers_and_queues(client: Redis, workers: int, queues: int) -> None:
    """Make every worker busy and give every queue jobs in every state, so that a scrape can skip nothing."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with client.pipeline(transaction=False) as pipeline:
        for i in range(queues):
            name = f"queue-{i}"
            pipeline.sadd("rq:queues", f"rq:queue:{name}")
            pipeline.rpush(f"rq:queue:{name}", f"queued-{i}", f"next-{i}")
            pipeline.hset(f"rq:job:queued-{i}", mapping={"enqueued_at": now, "origin": name})
            for registry in REGISTRIES.values():
                pipeline.zadd(f"{registry.decode()}{name}", {f"job-{i}": time() + 3600})
        for i in range(workers):
            key = f"rq:worker:short-running-worker-{i:032x}"
            pipeline.sadd("rq:workers", key)
            pipeline.hset(key, mapping=_worker(i, queues, now))
            pipeline.expire(key, 3600)
            pipeline.hset(
                f"rq:job:running-{i}",
                mapping={"started_at": now, "timeout": 180, "origin": f"queue-{i % queues}"},
            )
        pipeline.execute()


def _worker(i: int, queues: int, now: str) -> dict[str, str]:
    return {
        "birth": now,
        "last_heartbeat": now,
        "queues": ",".join(f"queue-{(i + offset) % queues}" for offset in range(QUEUES_PER_WORKER)),
        "state": "busy",
        "current_job": f"running-{i}",
        "successful_job_count": "12345",
        "failed_job_count": "67",
        "total_working_time": "89012.345678",
        "pid": "4242",
        "hostname": "worker-host",
        "version": "2.12.0",
        "python_version": "3.11.7",
        MONITORED_WORKER_FIELD: "1",
        WORKER_VERSION_FIELD: "1.4.2",
    }


def fill_with_functions(client: Redis, functions: int, queues: int) -> None:
    """Record each function in each queue, with three histogram buckets; every fifth function has failed."""
    recorder = JobRecorder(max_functions=functions, max_exceptions=1)
    ids = count()
    for queue in (f"queue-{i}" for i in range(queues)):
        client.sadd("rq:queues", f"rq:queue:{queue}")
        with client.pipeline(transaction=False) as pipeline:
            for i in range(functions):
                function = _function(i)
                ends: list[tuple[Outcome, str, float]] = [("success", "", seconds) for seconds in RUN_TIMES]
                if i % FAILS_EVERY == 0:
                    ends.append(("failed", "ValueError", 0.1))
                for outcome, exception, seconds in ends:
                    job_id = f"{next(ids):036x}"
                    recorder.record_start(pipeline, Start(job_id, queue, description="", waited=0.3))
                    recorder.record_end(
                        pipeline, End(job_id, job_id, queue, function, outcome, exception, seconds)
                    )
            pipeline.execute()


def change_functions(client: Redis, number: int, functions: int, queues: int) -> None:
    """Record one more job for this many functions, spread over all queues."""
    recorder = JobRecorder(max_functions=functions, max_exceptions=1)
    with client.pipeline(transaction=False) as pipeline:
        for i in range(number):
            job_id, function = uuid4().hex, _function(i * functions // number)
            recorder.record_end(
                pipeline, End(job_id, job_id, f"queue-{i % queues}", function, "success", "", RUN_TIMES[0])
            )
        pipeline.execute()


def _function(i: int) -> str:
    return f"application.tasks.module_{i % 20}.function_{i}"
