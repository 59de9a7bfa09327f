"""Needed workers, and a new version, with real jobs: a Prometheus outside of the stack, 20 times as fast."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from rq import Queue

from proofs.drill.scale import scale_rules
from proofs.harness.exporter_process import running_exporter
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from stack.native.programs import PROMETHEUS
from tests.prometheus.foreign_prometheus import ask, exported_rules, foreign_prometheus
from tests.rq_mon.worker.processes import RQ, SIMPLE

pytestmark = [
    pytest.mark.e2e(seconds=60),
    pytest.mark.needs("redis-server", "prometheus"),
]

WAIT = 5
RUN_SECONDS = 2
BETWEEN = 0.66
"""Seconds between two jobs: three workers are always busy."""
AT_FIRST = 2
WITHIN = 300.0
"""Seconds; on a machine with other work."""


@contextmanager
def arriving(queue: Queue) -> Iterator[None]:
    """Enqueue a job at this interval during the block."""
    ended = threading.Event()

    def enqueue() -> None:
        started = time.monotonic()
        for number in itertools.count(1):
            queue.enqueue(time.sleep, RUN_SECONDS)
            if ended.wait(max(0.0, started + number * BETWEEN - time.monotonic())):
                return

    thread = threading.Thread(target=enqueue)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Workers:
    """Worker processes of the queue, which end with the stack."""

    def __init__(self, stack: ExitStack, rq: RQ, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started = 0
        self._stack, self._rq, self._monkeypatch = stack, rq, monkeypatch

    def start(self, version: str, number: int) -> None:
        self._monkeypatch.setenv("RQ_MON_VERSION", version)
        for _ in range(number):
            self._stack.enter_context(self._rq.start_worker("mail", worker_class=SIMPLE))
            self.started += 1


def number(prometheus: Server, query: str) -> float | None:
    found: list[dict[str, Any]] = ask(prometheus, "query", query=query)
    return float(found[0]["value"][1]) if found else None


def waits(prometheus: Server, function: str) -> float | None:
    """The age of the oldest job, by a function over the last ten seconds."""
    return number(prometheus, f'{function}_over_time(rq_queue_oldest_job_age_seconds{{queue="mail"}}[10s])')


def test_a_loaded_queue_needs_more_workers_than_it_has_and_keeps_its_objective_once_it_has_them(
    redis_server: RedisServer, redis_client: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objectives = tmp_path / "objectives.yml"
    objectives.write_text(yaml.safe_dump({"queues": {"mail": {"wait_seconds": WAIT}}}))
    rules = exported_rules(tmp_path / "rules", change=scale_rules)
    rq = RQ(redis_server.url, tmp_path / "rq.log")
    with ExitStack() as stack:
        exporter = stack.enter_context(
            running_exporter(redis_server.url, tmp_path, RQ_OBJECTIVES_FILE=str(objectives))
        )
        prometheus = stack.enter_context(
            foreign_prometheus(
                Path(PROMETHEUS.path()).parent,
                tmp_path / "prometheus",
                exporter.port,
                rules,
                interval="1s",
                evaluation_interval="1s",
            )
        )
        workers = Workers(stack, rq, monkeypatch)
        workers.start("1.4", AT_FIRST)
        stack.enter_context(arriving(Queue("mail", connection=redis_client)))

        def needed() -> int:
            return int(number(prometheus, 'queue:rq_workers_needed:now{queue="mail"}') or 0)

        wait_until(lambda: needed() > AT_FIRST, "more workers to be needed", within=WITHIN)
        wait_until(lambda: (waits(prometheus, "min") or 0) > WAIT, "jobs to wait too long", within=WITHIN)

        def meets_objective_with_the_workers_needed() -> bool:
            """Like an autoscaler: check again and again, and add the missing workers."""
            workers.start("1.5", needed() - workers.started)
            oldest = waits(prometheus, "max")
            return oldest is not None and oldest <= WAIT

        workers.start("1.5", 1)
        wait_until(
            lambda: number(prometheus, 'version:rq_worker_version_info:new5m{version="1.5"}'),
            "the new version",
            within=WITHIN,
        )
        wait_until(meets_objective_with_the_workers_needed, "jobs to start in time", within=WITHIN, every=2)

        def highest() -> float:
            return number(prometheus, 'queue:rq_workers_needed:max1d{queue="mail"}') or 0

        wait_until(lambda: highest() >= workers.started > AT_FIRST, "the peak", within=WITHIN)
