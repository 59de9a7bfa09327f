"""How soon an idle worker of two queues takes a job of each, and what its polling costs Redis."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

from redis import Redis
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.serializers import DefaultSerializer

from proofs.bench.jobs import NOOPS
from proofs.bench.scraping import fresh_redis
from proofs.table import Row, verdict
from scheduler.supervised_queue import SupervisedQueue

QUEUES = ("first", "second")
JOBS = 15
MOST_SECONDS, MOST_COMMANDS = 0.1, 20
IDLE_SECONDS = 4


def run() -> list[Row]:
    """Measure the wait in each queue, and the commands of an idle worker."""
    with fresh_redis() as server, Redis.from_url(server.url) as own, Redis.from_url(server.url) as other:
        queues: list[Queue] = [SupervisedQueue(name, connection=own) for name in QUEUES]
        rows = [_wait(queues, Queue(name, connection=other)) for name in QUEUES]
        commands = _commands_a_second(queues, other)
    return [
        *rows,
        Row(
            "commands a second, idle worker of two queues",
            f"{commands:.1f}",
            target=f"≤ {MOST_COMMANDS}",
            verdict=verdict(commands <= MOST_COMMANDS),
        ),
    ]


def _take(queues: list[Queue], seconds: int) -> None:
    SupervisedQueue.dequeue_any(queues, seconds, queues[0].connection, serializer=DefaultSerializer)


def _wait(queues: list[Queue], into: Queue) -> Row:
    waits = []
    for number in range(JOBS):
        enqueued: list[float] = []

        def enqueue(enqueued: list[float] = enqueued) -> None:
            into.enqueue(NOOPS[0])
            enqueued.append(time.monotonic())

        timer = threading.Timer(0.2 + 0.013 * number, enqueue)
        timer.start()
        _take(queues, 30)
        taken = time.monotonic()
        timer.join()
        waits.append(max(0.0, taken - enqueued[0]))
    median = statistics.median(waits)
    return Row(
        f"wait of a job of the {into.name} queue, idle worker of two",
        f"{median * 1000:.0f} ms",
        f"{min(waits) * 1000:.0f} to {max(waits) * 1000:.0f} ms, {JOBS} jobs",
        f"≤ {MOST_SECONDS * 1000:g} ms",
        verdict(median <= MOST_SECONDS),
    )


def _commands_a_second(queues: list[Queue], connection: Any) -> float:
    before, begun = connection.info("stats")["total_commands_processed"], time.monotonic()
    try:
        _take(queues, IDLE_SECONDS)
    except DequeueTimeout:
        passed = time.monotonic() - begun
    return float(connection.info("stats")["total_commands_processed"] - before) / passed
