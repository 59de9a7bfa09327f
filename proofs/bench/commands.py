"""Exact number of commands and round trips that counting adds to a job."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import Any

from redis import Redis
from rq import Queue

from proofs.bench.jobs import noop
from proofs.bench.latency_proxy import LatencyProxy
from proofs.bench.noop_worker import KINDS
from proofs.bench.scraping import fresh_redis
from proofs.table import Row, verdict

MOST_COMMANDS = 6
FEW, MANY = 5, 25
LONGER_THAN_SENDING = 0.01
"""Latency in seconds at which the count of round trips is exact."""
CONNECTION_COMMANDS = {"CLIENT", "HELLO", "PING"}
THE_END = "the end"


def run() -> list[Row]:
    """Count for a plain and for a monitored worker."""
    with fresh_redis() as server:
        return [row for kind in KINDS for row in _rows(server.url, kind)]


def _rows(url: str, kind: str) -> list[Row]:
    plain, monitored = (_per_job(url, worker_class) for worker_class in KINDS[kind])
    extra = {name: monitored[name] - plain[name] for name in sorted(set(monitored) | set(plain))}
    sent = {name: n for name, n in extra.items() if n and not name.startswith("in scripts: ")}
    in_scripts = sum(n for name, n in extra.items() if name.startswith("in scripts: "))
    listed = ", ".join(f"{n:g} {name}" for name, n in sent.items())
    trips = [_trips_per_job(url, worker_class) for worker_class in KINDS[kind]]
    return [
        Row(
            f"round trips a job, Monitored{kind}",
            f"{trips[1]:g}",
            f"plain: {trips[0]:g}",
            "not more",
            verdict(trips[1] <= trips[0]),
        ),
        Row(
            f"extra commands a job, Monitored{kind}",
            f"{sum(sent.values()):g} ({listed}), in transactions that RQ sends anyway",
            f"plain: {sum(n for name, n in plain.items() if not name.startswith('in scripts: ')):g}",
            f"≤ {MOST_COMMANDS}",
            verdict(sum(sent.values()) <= MOST_COMMANDS and not sent.get("EXEC")),
        ),
        Row(f"commands in its scripts a job, Monitored{kind}", f"{in_scripts:g}"),
    ]


def _per_job(url: str, worker_class: type[Any]) -> defaultdict[str, float]:
    """Return the commands for each additional job, by name: what a worker does once cancels out."""
    few, many = (_commands(url, worker_class, jobs) for jobs in (FEW, MANY))
    return defaultdict(float, {name: (many[name] - few[name]) / (MANY - FEW) for name in many})


def _trips_per_job(url: str, worker_class: type[Any]) -> float:
    few, many = (_trips(url, worker_class, jobs) for jobs in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _trips(url: str, worker_class: type[Any], jobs: int) -> int:
    with Redis.from_url(url) as connection:
        _enqueue(connection, jobs)
        port: int = connection.get_connection_kwargs()["port"]
    with (
        LatencyProxy(port, LONGER_THAN_SENDING) as proxy,
        Redis(port=proxy.port) as connection,
    ):
        _work(connection, worker_class)
        return proxy.trips


def _enqueue(connection: Redis, jobs: int) -> None:
    connection.flushall()
    queue = Queue(connection=connection)
    queue.enqueue_many([Queue.prepare_data(noop) for _ in range(jobs)])


def _work(connection: Redis, worker_class: type[Any]) -> None:
    worker_class([Queue(connection=connection)], connection=connection).work(
        burst=True, logging_level="WARNING"
    )


def _commands(url: str, worker_class: type[Any], jobs: int) -> Counter[str]:
    with Redis.from_url(url) as connection:
        _enqueue(connection, jobs)
        seen: Counter[str] = Counter()
        with connection.monitor() as monitor:
            reader = threading.Thread(target=_read, args=(monitor, seen))
            reader.start()
            _work(connection, worker_class)
            connection.echo(THE_END)
            reader.join()
    return seen


def _read(monitor: Any, seen: Counter[str]) -> None:
    for command in monitor.listen():
        name, _, argument = command["command"].partition(" ")
        if argument == THE_END:
            return
        if name not in CONNECTION_COMMANDS:
            seen[f"in scripts: {name}" if command["client_type"] == "lua" else name] += 1
