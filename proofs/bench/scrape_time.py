"""How long a scrape takes, as a ratio to rq-exporter's of the same Redis, in turns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import rq
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY
from redis import Redis
from rq_exporter.collector import RQCollector

from proofs.bench.busy_redis import fill_with_workers_and_queues
from proofs.bench.latency_proxy import LatencyProxy
from proofs.bench.scraping import fresh_redis, our_exporter, scrape, stock_exporter
from proofs.table import Row, ratio_row
from rq_mon.exporter.blocks import plain
from rq_mon.exporter.exposition import text_format
from rq_mon.exporter.families.stock import StockFamilies
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.state.cron import CronFacts
from rq_mon.state.errors import Errors
from rq_mon.state.job_metrics import JobFacts
from rq_mon.state.pipeline import read_together
from rq_mon.state.queues import read_job_counts
from rq_mon.state.workers import read_worker_hashes

STOCK_FAMILIES_TARGET = 1 / 8
CATALOGUE_TARGET = 1 / 3
FAR_TARGET = 1 / 25
LATENCY = 0.001
PATIENCE = 60.0
SCRAPES_A_TURN = 200
"""Divided by the size: a small scrape takes a millisecond, too little to time alone."""


def near_rows(size: int, pairs: int, *, has_target: bool) -> list[Row]:
    """With `size` workers and as many queues, in a Redis next door."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, size, size)
        turn = max(1, SCRAPES_A_TURN // size)
        families = _in_turns(_our_families(client), _stock_families(client), pairs, turn)
        with our_exporter(server.url) as (ours, _), stock_exporter(server.url) as stock:
            whole = _in_turns(lambda: scrape(ours), lambda: scrape(stock), pairs, turn)
    where = f"{size} workers and queues"
    return [
        ratio_row(f"rq-exporter's families ÷ rq-exporter, {where}", families, at_most=STOCK_FAMILIES_TARGET),
        _catalogue_row(where, whole, CATALOGUE_TARGET if has_target else None),
    ]


def far_row(size: int, pairs: int) -> Row:
    """With a millisecond more to Redis and back."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, size, size)
        with (
            LatencyProxy(server.port, LATENCY) as proxy,
            our_exporter(proxy.url) as (ours, _),
            stock_exporter(proxy.url) as stock,
        ):
            ratios = _in_turns(lambda: scrape(ours), lambda: scrape(stock), pairs)
    return _catalogue_row(f"{size} workers and queues, {LATENCY * 1000:g} ms from Redis", ratios, FAR_TARGET)


def _catalogue_row(where: str, ratios: list[float], target: float | None) -> Row:
    row = ratio_row(f"whole catalogue over HTTP ÷ rq-exporter, {where}", ratios, at_most=target or math.inf)
    return row if target else replace(row, target="", verdict="shown")


def _in_turns(
    ours: Callable[[], object], stock: Callable[[], object], pairs: int, turn: int = 1
) -> list[float]:
    ours()
    return [_seconds(ours, turn) / _seconds(stock, turn) for _ in range(pairs)]


def _seconds(call: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - started


def _stock_families(client: Redis) -> Callable[[], bytes]:
    """Collect and write what rq-exporter serves, as it does."""
    collector = RQCollector(client, rq.Worker, rq.Queue)
    REGISTRY.unregister(collector.summary)
    return lambda: generate_latest(collector)


def _our_families(client: Redis) -> Callable[[], bytes]:
    """Collect and write the same, reading only what it needs."""
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
            self._snapshot = Snapshot(
                taken_at=time.time(), **found, jobs=JobFacts({}, (), {}, {}), cron=CronFacts({}, {}, ())
            )
        return self._snapshot
