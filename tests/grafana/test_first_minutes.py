"""Two minutes after the first start the dashboards have data, and short ranges have fine steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grafana.queries.promql import MANY, SHORT
from proofs.harness.boards import (
    ALL_QUERIES,
    BOARDS,
    PANEL_QUERIES,
    Asked,
    Json,
    data_panels,
    interpolate,
    step_of,
)
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from tests.harness.past import END, HOUR, START, past

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.slow]

YOUNG = START + 120

NOT_YET = {
    ("rq-overview", "Active alerts"): "the alert fires later",
}
"""Panels without data after two minutes, each with the reason."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    history = History(START, all_monitored=True)
    yield from past(history, tmp_path_factory.mktemp("past"), project_root / "prometheus/rules")


def ask(prometheus: RecordedPrometheus, query: Asked, end: int, length: int) -> list[Json]:
    expr = interpolate(query, length)
    if query.instant:
        return [{**one, "values": [one["value"]]} for one in prometheus.instant(expr, end)]
    return prometheus.range(expr, end - length, end, step_of(query, length))


def graph(uid: str, title: str) -> list[Asked]:
    return [query for query in PANEL_QUERIES if (query.board, query.panel) == (uid, title)]


@pytest.mark.parametrize("uid", BOARDS)
def test_every_dashboard_opens_with_a_range_with_fine_steps(uid: str) -> None:
    assert BOARDS[uid]["time"] == {"from": "now-15m", "to": "now"}
    assert SHORT == 15 * 60


def test_after_two_minutes_every_panel_has_data(prometheus: RecordedPrometheus) -> None:
    empty = {
        (uid, panel["title"])
        for uid, board in BOARDS.items()
        for panel in data_panels(board)
        if any(ask(prometheus, query, END, SHORT) for query in graph(uid, panel["title"]))
        and not any(ask(prometheus, query, YOUNG, SHORT) for query in graph(uid, panel["title"]))
    }

    assert empty == NOT_YET.keys()


@pytest.mark.parametrize(
    ("uid", "title"),
    [
        ("rq-durations", "Run time"),
        ("rq-job-function", "Run time"),
        ("rq-durations", "Run time p95 by queue"),
        ("rq-durations", "Run time p95 by function"),
        ("rq-durations", "Wait p95 by queue"),
        ("rq-durations", "Wait and run time"),
        ("rq-durations", "Run times"),
        ("rq-durations", "Wait times"),
    ],
)
def test_a_graph_of_durations_has_more_than_one_point_a_minute(
    prometheus: RecordedPrometheus, uid: str, title: str
) -> None:
    for query in graph(uid, title):
        for series in ask(prometheus, query, YOUNG, SHORT):
            assert len(series["values"]) >= 6, series["metric"]


@pytest.mark.parametrize(("length", "expected"), [(60, ".+"), (SHORT, ".+"), (SHORT + 1, "-"), (HOUR, "-")])
def test_raw_histograms_are_read_for_short_ranges_only(
    prometheus: RecordedPrometheus, length: int, expected: str
) -> None:
    choices = [query for query in ALL_QUERIES if (query.panel, query.target) == ("variable", "raw")]

    assert {query.board for query in choices} == {"rq-durations", "rq-job-function"}
    for query in choices:
        (series,) = prometheus.instant(interpolate(query, length), END)
        assert series["metric"] == {"raw": expected}


def test_raw_histograms_are_not_read_if_there_are_many(prometheus: RecordedPrometheus) -> None:
    """There are three functions, each with three outcomes."""
    (query, _) = [query for query in ALL_QUERIES if (query.panel, query.target) == ("variable", "raw")]
    expr = interpolate(query, SHORT)
    assert expr.count(f"> {MANY}") == 2

    for many, expected in ((9, ".+"), (8, "-")):
        (series,) = prometheus.instant(expr.replace(f"> {MANY}", f"> {many}"), END)
        assert series["metric"] == {"raw": expected}


def test_raw_and_recorded_histograms_give_the_same_values(prometheus: RecordedPrometheus) -> None:
    fine, coarse = (
        {
            (query.target, *series["metric"].values()): float(series["values"][-1][1])
            for query in graph("rq-durations", "Run time")
            for series in ask(prometheus, query, END, length)
        }
        for length in (SHORT, HOUR)
    )

    assert len(fine) == 3
    # They compare the last five minutes, with ends up to a minute apart.
    assert fine == pytest.approx(coarse, rel=0.2)


def test_a_long_range_does_not_read_raw_histograms(prometheus: RecordedPrometheus) -> None:
    """A week of them would take seconds to read, so no series matches."""
    raw = 'count(rq_job_duration_seconds_bucket{job=~"%s"})'

    assert prometheus.instant(raw % "-", END) == []
    assert prometheus.instant(raw % ".+", END) != []
