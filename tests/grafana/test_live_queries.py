"""A real Prometheus with a made-up hour, in which everything happens, answers every query of every panel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grafana.boards import PANEL_QUERIES, Asked, interpolate, step_of
from tests.grafana.history import History
from tests.grafana.prometheus import Prometheus

pytestmark = pytest.mark.needs("prometheus", "promtool")

HOUR = 3600
END = 1_750_003_200
START = END - HOUR


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    server = Prometheus(directory)
    History(START).write(directory / "history.txt", range(START, END + 1, 15))
    server.import_samples(directory / "history.txt")
    server.record(project_root / "prometheus" / "rules", START, END)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("query", PANEL_QUERIES, ids=str)
def test_every_query_of_every_panel_returns_numbers(prometheus: Prometheus, query: Asked) -> None:
    expr = interpolate(query, HOUR)

    if query.instant:
        values = [series["value"] for series in prometheus.instant(expr, END)]
    else:
        series = prometheus.range(expr, START, END, step_of(query, HOUR))
        values = [value for one in series for value in one["values"]]

    assert values, f"no series: {expr}"
    assert all(math.isfinite(float(value)) for _, value in values), f"not all are numbers: {expr}"


def test_an_error_that_happened_once_is_counted(prometheus: Prometheus) -> None:
    """Its counter appears with the value 1, so that no increase of the raw counter ever shows it."""
    raw = 'sum(increase(rq_job_failures_total{exception="KeyError"}[1h]))'
    recorded = (
        'sum(increase(queue_function_exception:rq_job_failures_total:from_zero{exception="KeyError"}[1h]))'
    )
    functions = History(START).functions

    assert prometheus.instant(raw, END)[0]["value"][1] == "0"
    assert float(prometheus.instant(recorded, END)[0]["value"][1]) == pytest.approx(functions, rel=0.05)
