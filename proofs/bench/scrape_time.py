"""How long a scrape takes compared with rq-exporter's, in turn on the same Redis."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import rq
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY
from redis import Redis
from rq_exporter.collector import RQCollector

from proofs.bench.blocking import cpu_clock
from proofs.bench.busy_redis import fill_with_workers_and_queues
from proofs.bench.latency_proxy import LatencyProxy
from proofs.bench.scraping import GaveUpError, fresh_redis, our_exporter, scrape, stock_exporter
from proofs.table import Row, ratio_row
from rq_mon.exporter.blocks import plain
from rq_mon.exporter.exposition import text_format
from rq_mon.exporter.families.stock import StockFamilies
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.state.cron import CronFacts
from rq_mon.state.errors import Errors
from rq_mon.state.job_metrics import JobFacts
from rq_mon.state.memory import Group
from rq_mon.state.pipeline import read_together
from rq_mon.state.queues import KnownQueues, read_job_counts
from rq_mon.state.workers import KnownWorkers, read_worker_hashes

STOCK_FAMILIES_TARGET = 1 / 8
CATALOGUE_TARGETS = {10: 1 / 4, 100: 1 / 10, 1000: 1 / 10}
"""By size; other sizes have none."""
FAR_TARGET = 1 / 25
LATENCY = 0.001
PATIENCE = 60.0
SCRAPES_A_TURN = 200
"""Divided by the size: a small scrape takes only a millisecond, too little to measure alone."""


def near_rows(size: int, pairs: int) -> list[Row]:
    """Measure with `size` workers and as many queues, and Redis on this machine."""
    turn = max(1, SCRAPES_A_TURN // size)
    with fresh_redis() as server, Redis(port=server.port) as client:
        assert server.process is not None
        redis = server.process.pid
        fill_with_workers_and_queues(client, size, size)
        families = _in_turns(_our_families(client), _stock_families(client), pairs, turn)
        with our_exporter(server.url) as (ours, our_id), stock_exporter(server.url) as (stock, stock_id):
            our_cpu, stock_cpu = _cpu(our_id, redis), _cpu(stock_id, redis)
            whole = _in_turns(lambda: scrape(ours), lambda: scrape(stock), pairs, turn)
            cpu = _in_turns(lambda: scrape(ours), lambda: scrape(stock), pairs, turn, (our_cpu, stock_cpu))
    where = f"{size} workers and queues"
    return [
        ratio_row(f"rq-exporter's families ÷ rq-exporter, {where}", families, at_most=STOCK_FAMILIES_TARGET),
        _catalogue_row(where, whole, CATALOGUE_TARGETS.get(size)),
        _catalogue_row(f"{where}, CPU time with that of Redis", cpu, CATALOGUE_TARGETS.get(size)),
    ]


def far_row(size: int, pairs: int) -> Row:
    """Measure with one more millisecond to Redis and back."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, size, size)
        with (
            LatencyProxy(server.port, LATENCY) as proxy,
            our_exporter(proxy.url) as (ours, _),
            stock_exporter(proxy.url) as (stock, _),
        ):
            ratios = _in_turns(lambda: scrape(ours), lambda: scrape(stock), pairs)
    return _catalogue_row(f"{size} workers and queues, {LATENCY * 1000:g} ms from Redis", ratios, FAR_TARGET)


def _catalogue_row(where: str, ratios: list[float], target: float | None) -> Row:
    row = ratio_row(f"whole catalogue over HTTP ÷ rq-exporter, {where}", ratios, at_most=target or math.inf)
    return row if target else replace(row, target="", verdict="shown")


Clock = Callable[[], float]


def _cpu(*process_ids: int) -> Clock:
    """CPU seconds of these processes: on a busy machine, wall time is mostly waiting for a CPU."""
    clocks = [cpu_clock(process_id) for process_id in process_ids]
    return lambda: sum(map(time.clock_gettime, clocks))


def _in_turns(
    ours: Callable[[], object],
    stock: Callable[[], object],
    pairs: int,
    turn: int = 1,
    clocks: tuple[Clock, Clock] = (time.perf_counter, time.perf_counter),
) -> list[float]:
    """Return the ratio of each pair of turns in which our exporter answered in time."""
    ratios = []
    for _ in range(pairs):
        with suppress(GaveUpError):
            ours()
            ratios.append(_seconds(ours, turn, clocks[0]) / _seconds(stock, turn, clocks[1]))
    return ratios


def _seconds(call: Callable[[], object], times: int, clock: Clock) -> float:
    started = clock()
    for _ in range(times):
        call()
    return clock() - started


def _stock_families(client: Redis) -> Callable[[], bytes]:
    """Collect and format what rq-exporter serves, with its own code."""
    collector = RQCollector(client, rq.Worker, rq.Queue)
    REGISTRY.unregister(collector.summary)
    return lambda: generate_latest(collector)


def _our_families(client: Redis) -> Callable[[], bytes]:
    """Collect and format the same, reading only what is needed."""
    families = StockFamilies(CollectorRegistry())
    return lambda: b"".join(plain(text_format(families.collect(_StockScrape(client)))))


class _StockScrape:
    def __init__(self, client: Redis) -> None:
        self._client = client
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        if self._snapshot is None:
            errors = Errors()
            found = read_together(
                self._client,
                {"workers": read_worker_hashes(errors), "queues": read_job_counts(errors, time.time())},
                errors,
                deadline=time.monotonic() + PATIENCE,
            )
            workers, queues = Group(found["workers"]), Group(found["queues"])
            self._snapshot = Snapshot(
                taken_at=time.time(),
                workers=KnownWorkers([workers], {}),
                queues=KnownQueues([queues], {}),
                jobs=JobFacts({}, {}, (), {}, {}),
                cron=CronFacts({}, {}, ()),
            )
        return self._snapshot
