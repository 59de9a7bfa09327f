"""What a scrape costs Redis and its machine: round trips, waits of other clients, memory."""

from __future__ import annotations

import statistics
from contextlib import suppress
from pathlib import Path

from redis import Redis

from proofs.bench.blocking import longest_wait
from proofs.bench.busy_redis import fill_with_functions, fill_with_workers_and_queues
from proofs.bench.latency_proxy import LatencyProxy
from proofs.bench.scraping import GaveUpError, fresh_redis, our_exporter, scrape, stock_exporter
from proofs.table import Row, verdict

MOST_TRIPS = 8
LONGEST_WAIT = 0.005
LONGER_THAN_SENDING = 0.2
"""Latency with which round trips are counted exactly."""
SCRAPES = 5
MEGABYTE = 1e6


def trips_row(size: int) -> Row:
    """Round trips of one scrape, on a connection that stands, and of rq-exporter's."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill_with_workers_and_queues(client, size, size)
        with LatencyProxy(server.port, LONGER_THAN_SENDING) as proxy, our_exporter(proxy.url) as (port, _):
            ours = _trips(proxy, port)
        with LatencyProxy(server.port, 0) as proxy, stock_exporter(proxy.url) as port:
            stock = _trips(proxy, port)
    name = f"round trips of a scrape, {size} workers and queues"
    return Row(name, str(ours), f"rq-exporter: {stock}", f"≤ {MOST_TRIPS}", verdict(ours <= MOST_TRIPS))


def _trips(proxy: LatencyProxy, port: int) -> int:
    scrape(port)
    proxy.trips = 0
    scrape(port)
    return proxy.trips


def waiting_row(size: int, scrapes: int) -> Row:
    """The longest that a scrape keeps Redis from answering another client."""
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
    """Memory of exporter and Redis, and time, with this number of functions in each of the queues."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        before = _redis_memory(client)
        fill_with_functions(client, functions, queues)
        stored = _redis_memory(client) - before
        with our_exporter(server.url) as (port, process_id):
            idle = _peak_memory(process_id)
            seconds = _times(port, SCRAPES)
            peak = _peak_memory(process_id)
    where = f"{functions} functions in {queues} queues"
    took = f"{statistics.median(seconds):.2f} s" if seconds else "none ended in time"
    return [
        Row(f"job metrics in Redis, {where}", f"{stored / MEGABYTE:.1f} MB"),
        Row(
            f"peak memory of the exporter, {where}",
            f"{peak / MEGABYTE:.0f} MB",
            f"before the first scrape: {idle / MEGABYTE:.0f} MB",
        ),
        Row(f"time of a scrape, {where}", took, f"{len(seconds)} of {SCRAPES} scrapes ended in time"),
    ]


def _times(port: int, scrapes: int) -> list[float]:
    seconds = []
    for _ in range(scrapes):
        with suppress(GaveUpError):
            seconds.append(scrape(port))
    return seconds


def _redis_memory(client: Redis) -> int:
    memory: dict[str, int] = client.info("memory")  # type: ignore[assignment]
    return memory["used_memory_dataset"]


def _peak_memory(process_id: int) -> int:
    """The most memory that a process ever had (resident set size), in bytes, as Linux tells it."""
    status = Path(f"/proc/{process_id}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024
