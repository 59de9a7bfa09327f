"""What a scrape costs Redis and its machine: round trips, waits of other clients, memory."""

from __future__ import annotations

import math
import statistics
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from redis import Redis

from proofs.bench.blocking import cpu_clock, longest_wait
from proofs.bench.busy_redis import change_functions, fill_with_functions, fill_with_workers_and_queues
from proofs.bench.latency_proxy import LatencyProxy
from proofs.bench.scraping import GaveUpError, fresh_redis, our_exporter, scrape, stock_exporter
from proofs.table import Row, verdict

MOST_TRIPS = 8
LONGEST_WAIT = 0.005
LONGER_THAN_SENDING = 0.2
"""Latency at which the count of round trips is exact."""
SCRAPES = 5
MEGABYTE = 1e6
MOST_MEMORY = 150 * MEGABYTE
LONGEST_FIRST = 3.0
CHANGED, LONGEST_AFTER_CHANGES = 100, 0.7
IDLE_STACK = 3, 2
"""Workers and queues."""
IDLE_SCRAPES = 41
IDLE_CPU = 0.005


def trips_row(size: int) -> Row:
    """Round trips of a scrape on an open connection, and those of rq-exporter."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, size, size)
        with LatencyProxy(server.port, LONGER_THAN_SENDING) as proxy, our_exporter(proxy.url) as (port, _):
            ours = _trips(proxy, port)
        with LatencyProxy(server.port, 0) as proxy, stock_exporter(proxy.url) as (port, _):
            stock = _trips(proxy, port)
    name = f"round trips of a scrape, {size} workers and queues"
    return Row(name, str(ours), f"rq-exporter: {stock}", f"≤ {MOST_TRIPS}", verdict(ours <= MOST_TRIPS))


def _trips(proxy: LatencyProxy, port: int) -> int:
    scrape(port)
    proxy.trips = 0
    scrape(port)
    return proxy.trips


def waiting_row(size: int, scrapes: int) -> Row:
    """The longest wait of another client of Redis during a scrape."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, size, size)
        assert server.process is not None
        with our_exporter(server.url) as (port, _):
            scrape(port)
            waits = [
                longest_wait(server.process.pid, server.port, lambda: scrape(port)) for _ in range(scrapes)
            ]
    longest = max(wait.busy for wait in waits)
    passed = statistics.median(wait.passed for wait in waits)
    return Row(
        f"longest that a scrape keeps Redis from another client, {size} workers and queues",
        f"{longest * 1000:.1f} ms",
        f"of {len(waits)} scrapes; with waits for a CPU, median {passed * 1000:.1f} ms",
        f"≤ {LONGEST_WAIT * 1000:g} ms",
        verdict(longest <= LONGEST_WAIT),
    )


def memory_rows(functions: int, queues: int) -> list[Row]:
    """Time and memory with this number of functions in each queue, if a few change between scrapes."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        before = _redis_memory(client)
        fill_with_functions(client, functions, queues)
        stored = _redis_memory(client) - before
        with our_exporter(server.url) as (port, process_id):
            idle = _peak_memory(process_id)
            first = [_timed(port, process_id)]
            unchanged = [_timed(port, process_id) for _ in range(SCRAPES)]
            changed = []
            for _ in range(SCRAPES):
                change_functions(client, CHANGED, functions, queues)
                changed.append(_timed(port, process_id))
            peak = _peak_memory(process_id)
    where = f"{functions} functions in {queues} queues"
    return [
        Row(f"job metrics in Redis, {where}", f"{stored / MEGABYTE:.1f} MB"),
        Row(
            f"peak memory of the exporter, {where}",
            f"{peak / MEGABYTE:.0f} MB",
            f"before the first scrape: {idle / MEGABYTE:.0f} MB",
            f"≤ {MOST_MEMORY / MEGABYTE:g} MB",
            verdict(peak <= MOST_MEMORY),
        ),
        _time_row(f"first scrape, {where}", first, LONGEST_FIRST),
        _time_row(f"a scrape after {CHANGED} of them changed, {where}", changed, LONGEST_AFTER_CHANGES),
        _time_row(f"a scrape after none changed, {where}", unchanged, LONGEST_AFTER_CHANGES),
    ]


def idle_row() -> Row:
    """The exporter's CPU time for a scrape of an idle stack."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, *IDLE_STACK)
        fill_with_functions(client, 10, 2)
        with our_exporter(server.url) as (port, process_id):
            scrape(port)
            cpu = [_timed(port, process_id).cpu for _ in range(IDLE_SCRAPES)]
    median = statistics.median(cpu)
    return Row(
        "CPU time of a scrape of an idle stack",
        f"{median * 1000:.1f} ms",
        f"{min(cpu) * 1000:.1f} to {max(cpu) * 1000:.1f}, {len(cpu)} scrapes",
        f"≤ {IDLE_CPU * 1000:g} ms",
        verdict(median <= IDLE_CPU),
    )


class _Took(NamedTuple):
    """Wall time of a scrape, infinite if it did not end in time, and its CPU time. In seconds."""

    passed: float
    cpu: float


def _timed(port: int, process_id: int) -> _Took:
    clock = cpu_clock(process_id)
    computed, passed = time.clock_gettime(clock), math.inf
    with suppress(GaveUpError):
        passed = scrape(port)
    return _Took(passed, time.clock_gettime(clock) - computed)


def _time_row(name: str, took: list[_Took], at_most: float) -> Row:
    passed = statistics.median(each.passed for each in took)
    return Row(
        name,
        f"{passed:.2f} s",
        f"CPU of the exporter {statistics.median(each.cpu for each in took):.2f} s",
        f"≤ {at_most:g} s",
        verdict(passed <= at_most),
    )


def _redis_memory(client: Redis) -> int:
    memory: dict[str, int] = client.info("memory")  # type: ignore[assignment]
    return memory["used_memory_dataset"]


def _peak_memory(process_id: int) -> int:
    """Return the peak memory of a process (resident set size) in bytes, as reported by Linux."""
    status = Path(f"/proc/{process_id}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024
