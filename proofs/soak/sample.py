"""A sample of everything that could grow."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from proofs.harness.native_stack import NativeStack
from proofs.soak.slope import Point
from rq_mon.connection.client import connect
from rq_mon.jobs.purge import purge_jobs
from stack.services import (
    ALERTMANAGER,
    CRON_SCHEDULER,
    LONG_RUNNING_WORKER,
    PROMETHEUS,
    REDIS,
    RQ_EXPORTER,
    SHORT_RUNNING_WORKER,
    VIEWER,
    Service,
)

MIB = 2**20
PROCESSES = (
    RQ_EXPORTER,
    SHORT_RUNNING_WORKER,
    LONG_RUNNING_WORKER,
    CRON_SCHEDULER,
    VIEWER,
    PROMETHEUS,
    ALERTMANAGER,
    REDIS,
)
WORKERS = (SHORT_RUNNING_WORKER, LONG_RUNNING_WORKER)
RQ_SCHEDULER_OF = {worker: f"{worker.name}'s RQ scheduler" for worker in WORKERS}

SERIES = "series that a scrape of all targets gives"
HEAD_SERIES = "series in Prometheus' memory, those of earlier processes included"
REDIS_LASTING_KEYS = "Redis: keys that do not expire"
REDIS_BYTES_A_KEY = "Redis: used_memory ÷ keys, bytes"
REDIS_KEYS = "Redis: keys, mostly jobs and results of the last 500 s"
REDIS_MEMORY = "Redis: used_memory, MiB"
DISK = "Prometheus' folder, MiB"
SAMPLES = "samples that Prometheus has appended"


def pss(name: str) -> str:
    """The name of a process' proportional memory: shared pages count by their share."""
    return f"{name}: PSS, MiB"


def rss(name: str) -> str:
    """The name of a process' resident memory."""
    return f"{name}: RSS, MiB"


class Sampler:
    """Samples a stack. What is restarting at that moment is missing in the sample."""

    def __init__(self, stack: NativeStack) -> None:
        self._stack = stack
        self._redis: Redis = connect(stack.redis_url())

    def look(self) -> dict[str, Point]:
        """Return the sample, by name."""
        found: dict[str, Point] = {}
        lives: dict[str, str] = {}
        for name, process in self._processes():
            with contextlib.suppress(psutil.Error):
                lives[name] = f"{process.pid}@{process.create_time()}"
                memory = process.memory_full_info()
                if not memory.rss:  # it has ended but is still listed
                    continue
                found[pss(name)] = Point(time.time(), memory.pss / MIB, lives[name])
                found[rss(name)] = Point(time.time(), memory.rss / MIB, lives[name])
        for name, (owner, read) in self._quantities().items():
            with contextlib.suppress(RedisError, OSError, KeyError, ValueError, ZeroDivisionError):
                found[name] = Point(time.time(), read(), lives.get(owner.name if owner else "", ""))
        return found

    def purge_failed_jobs(self) -> None:
        """Delete the failed jobs, as an operator would after looking at them."""
        with contextlib.suppress(RedisError):
            for queue in Queue.all(connection=self._redis):
                purge_jobs(queue, "failed")

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        numbers = self._stack.numbers()
        for service in PROCESSES:
            with contextlib.suppress(psutil.Error, KeyError):
                process = psutil.Process(numbers[service.name])
                yield service.name, process
                if service in WORKERS and (children := process.children()):
                    # Its oldest child; work horses come and go.
                    yield RQ_SCHEDULER_OF[service], min(children, key=lambda each: each.create_time())

    def _quantities(self) -> dict[str, tuple[Service | None, Callable[[], float]]]:
        """Return how to read each quantity, and the service whose restart resets it."""
        redis: Any = self._redis
        ask = self._stack.sum_of
        return {
            SERIES: (None, lambda: ask("scrape_samples_post_metric_relabeling")),
            HEAD_SERIES: (PROMETHEUS, lambda: ask("prometheus_tsdb_head_series")),
            SAMPLES: (PROMETHEUS, lambda: ask("prometheus_tsdb_head_samples_appended_total")),
            DISK: (PROMETHEUS, lambda: _size_of(self._stack.state / PROMETHEUS.name) / MIB),
            REDIS_LASTING_KEYS: (REDIS, lambda: float(_lasting(redis.info("keyspace")["db0"]))),
            REDIS_BYTES_A_KEY: (REDIS, lambda: redis.info("memory")["used_memory"] / redis.dbsize()),
            REDIS_KEYS: (REDIS, lambda: float(redis.dbsize())),
            REDIS_MEMORY: (REDIS, lambda: redis.info("memory")["used_memory"] / MIB),
        }


def _lasting(keys: Mapping[str, int]) -> int:
    return keys["keys"] - keys["expires"]


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
