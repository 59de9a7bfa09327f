"""The formulas of docs/operate/scaling.md match the real exporter, and its tables follow from them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from redis import Redis

from proofs.bench.busy_redis import FAILS_EVERY, fill_with_functions, fill_with_workers_and_queues
from proofs.bench.growth import _series
from proofs.bench.scraping import fresh_redis, our_exporter
from stack.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "operate" / "scaling.md").read_text(encoding="utf-8")

BYTES_OF_A_SAMPLE = 1.35
DAY = 86_400


def numbers(pattern: str) -> list[float]:
    """The groups of the page's only match."""
    (found,) = re.finditer(pattern, PAGE)
    return [float(text.replace(",", "")) for text in found.groups()]


def rows(columns: int, heading: str) -> list[list[float]]:
    """The numbers in the rows of the table with this heading."""
    table = PAGE.partition(heading)[2].partition("\n\n")[0]
    return [
        [float(re.sub(r"[^\d.]", "", cell)) for cell in line.split("|")[1 : columns + 1]]
        for line in table.splitlines()
        if re.match(r"\| \d", line)
    ]


FIXED, PER_WORKER, PER_QUEUE, PER_FUNCTION = numbers(
    r"series = (\d+) \+ (\d+) . workers \+ (\d+) . queues \+ (\d+) . functions"
)
SUCCEEDS, OUTCOME, EXCEPTION = numbers(
    r"(\d+) series if it only ever succeeds, and\s+(\d+) more[^.]+\.\s+Each class of\s+exception\s+adds (\d+)"
)


def series(fill: Callable[[Redis], None]) -> int:
    """The number of series that the exporter serves for a filled Redis."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        fill(client)
        with our_exporter(server.url) as (port, _):
            return _series(port)


@pytest.mark.slow
@pytest.mark.needs("redis-server")
def test_the_formulas_give_the_series_of_workers_and_queues() -> None:
    sizes = [(10, 2), (20, 2), (10, 4)]

    few, more_workers, more_queues = (
        series(lambda client, w=w, q=q: fill_with_workers_and_queues(client, w, q))  # type: ignore[misc]
        for w, q in sizes
    )

    assert (more_workers - few) / 10 == PER_WORKER
    assert (more_queues - few) / 2 == PER_QUEUE
    assert few == FIXED + 10 * PER_WORKER + 2 * PER_QUEUE


@pytest.mark.slow
@pytest.mark.needs("redis-server")
def test_the_formulas_give_the_series_of_functions() -> None:
    few, many = (series(lambda client, f=f: fill_with_functions(client, f, 1)) for f in (10, 20))  # type: ignore[misc]

    failing = 10 // FAILS_EVERY
    assert many - few == 10 * SUCCEEDS + failing * (OUTCOME + EXCEPTION)
    assert PER_FUNCTION == SUCCEEDS + OUTCOME + EXCEPTION


def test_the_table_of_prometheus_follows_from_the_formulas() -> None:
    recorded_queue, recorded_function = numbers(r"Rules record (\d+) more for each queue and (\d+) for each")
    rate_function, rate_queue = numbers(
        r"on average ([\d.]+)/s for each function, ([\d.]+)/s for each\nqueue"
    )
    (others,) = numbers(r"have\s+about\s+([\d,]+)\s+of\s+their\s+own")

    for workers, queues, functions, exporter, recorded, samples, month, year in rows(
        8, "| workers | queues |"
    ):
        assert exporter == FIXED + workers * PER_WORKER + queues * PER_QUEUE + functions * PER_FUNCTION
        assert recorded == queues * recorded_queue + functions * recorded_function
        exact = exporter / 5 + functions * rate_function + queues * rate_queue + others / 15
        assert samples == pytest.approx(exact, rel=0.05)
        assert month == pytest.approx(exact * 30 * DAY * BYTES_OF_A_SAMPLE / 1e9, rel=0.05)
        assert year == pytest.approx(exact * 365 * DAY * BYTES_OF_A_SAMPLE / 1e9, rel=0.05)


def test_the_table_of_redis_follows_from_the_formulas() -> None:
    per_job, per_worker = numbers(r"share = ([\d.]+) . jobs/s \+ ([\d.]+) . workers")
    found = rows(3, "| workers | jobs/s |")

    assert found
    for workers, jobs, share in found:
        assert share == pytest.approx(100 * (per_job * jobs + per_worker * workers), abs=1)
