"""Dashboards over days read recorded series with fewer samples, which say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grafana.queries import recorded
from grafana.queries.promql import COUNTERS_NAME, LONG, RATES_NAME
from proofs.harness.boards import ALL_QUERIES, PANEL_QUERIES, Asked, interpolate
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from tests.harness.past import END, HOUR, START, past

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.slow]

RULES = Path("prometheus/rules")
FEWER = {name for names in recorded.RECORDED_OVER_DAYS.values() for name in names}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    """One that has recorded everything from its first hour on, which is its only one."""
    history = History(START, all_monitored=True)
    yield from past(history, tmp_path_factory.mktemp("past"), project_root / RULES)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    """One that has recorded the series with fewer samples since half an hour ago only."""
    server = RecordedPrometheus(tmp_path_factory.mktemp("upgraded"))
    text = server.directory / "history.txt"
    History(START, queues=1, functions=1, workers=1).write(text, START, END + 1, lambda _: 15)
    server.import_samples(text)
    server.record(project_root / RULES, {recorded.WAIT_BUCKETS}, START, END)
    server.record(project_root / RULES, {recorded.over_days(recorded.WAIT_BUCKETS)}, END - HOUR // 2, END)
    with server:
        yield server


def chosen(prometheus: RecordedPrometheus, variable: str, length: int) -> dict[str, str]:
    """What the variable has on each dashboard over a range of this length."""
    found = {}
    for query in ALL_QUERIES:
        if (query.panel, query.target) == ("variable", variable):
            (series,) = prometheus.instant(interpolate(query, length), END)
            found[query.board] = series["metric"]
    assert found
    (same,) = {tuple(labels.items()) for labels in found.values()}
    return dict(same)


@pytest.mark.parametrize(
    ("variable", "all_samples", "fewer"),
    [
        (COUNTERS_NAME, recorded.FROM_ZERO, recorded.FROM_ZERO_OVER_DAYS),
        (RATES_NAME, recorded.RATE, recorded.RATE_OVER_DAYS),
    ],
)
def test_long_ranges_use_the_series_with_fewer_samples_once_these_cover_them(
    prometheus: RecordedPrometheus, upgraded: RecordedPrometheus, variable: str, all_samples: str, fewer: str
) -> None:
    assert chosen(prometheus, variable, HOUR) == {variable: all_samples}
    assert chosen(prometheus, variable, LONG - 1) == {variable: all_samples}
    assert chosen(prometheus, variable, LONG) == {variable: fewer}
    assert chosen(prometheus, variable, 7 * LONG) == {variable: fewer}
    # Since an upgrade only: what was recorded before it would be missing.
    assert chosen(upgraded, variable, HOUR) == {variable: all_samples}
    assert chosen(upgraded, variable, LONG) == {variable: all_samples}


def test_series_with_fewer_samples_give_the_same_values(prometheus: RecordedPrometheus) -> None:
    compared = set()
    for query in PANEL_QUERIES:
        if not query.instant or not any(name in query.expr for name in ("${counters}", "${rates}")):
            continue
        few = interpolate(query, LONG)
        many = few
        for fewer, all_samples in (
            (recorded.FROM_ZERO_OVER_DAYS, recorded.FROM_ZERO),
            (recorded.RATE_OVER_DAYS, recorded.RATE),
        ):
            many = many.replace(f":{fewer}", f":{all_samples}")
        assert few != many

        # Over an hour, the series with fewer samples may lack up to a minute at either end.
        assert values(prometheus, few) == pytest.approx(values(prometheus, many), rel=0.12, abs=0.01), query
        compared |= {name for name in FEWER if name in few}
    assert compared == FEWER


def values(prometheus: RecordedPrometheus, expr: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The numbers of an answer by their labels."""
    return {
        tuple(sorted(series["metric"].items())): float(series["value"][1])
        for series in prometheus.instant(expr, END)
    }


def test_no_graph_of_days_reads_the_series_with_all_samples() -> None:
    """Of a week of them, each takes Prometheus half a second."""
    many = {name for every in ("15s", "1m") for name in recorded.RECORDED[every]}
    reading = [query for query in PANEL_QUERIES if any(name in interpolate(query, LONG) for name in many)]

    assert reading == []


def test_a_graph_over_hours_has_all_samples() -> None:
    assert not any(reads_fewer(query, HOUR) for query in PANEL_QUERIES)
    assert any(reads_fewer(query, LONG) for query in PANEL_QUERIES)


def reads_fewer(query: Asked, length: int) -> bool:
    return any(name in interpolate(query, length) for name in FEWER)
