"""Uninstrumented workers: dashboards show RQ's own counts, and missing counts are not shown as zero."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pytest

from proofs.harness.boards import BOARDS, PANEL_QUERIES, Asked, Json, data_panels, interpolate, step_of
from proofs.harness.history import History, Series
from proofs.harness.recorded_prometheus import RecordedPrometheus
from rq_mon import catalogue
from tests.harness.past import END, HOUR, START, past

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.e2e(seconds=5)]

COUNTED_BY_WORKERS = re.compile("rq_jobs_processed|rq_job_failures|rq_job_duration")
COUNTED_BY_RQ = re.compile("rq_workers_(success|failed)_total")
(BY_QUEUE,) = (
    query
    for query in PANEL_QUERIES
    if (query.board, query.panel) == ("rq-overview", "Queues") and COUNTED_BY_RQ.search(query.expr)
)
"""The failure ratio of each queue."""
COUNTS = ("Failed", "Retried", "Work-horse crashes", "Abandoned", "Executions")
"""Stats that are green or plain at zero."""


@dataclass(frozen=True)
class OnceMonitored(History):
    """A MonitoredWorker ran a few jobs long ago; since then, no job was counted."""

    def _function(self, function: str, queue: str, index: int) -> Iterator[Series]:
        for series in super()._function(function, queue, index):
            if series.name in (catalogue.JOBS_PROCESSED.name, catalogue.JOB_FAILURES.name):
                yield Series(series.name, series.labels, lambda _: 7.0)


@dataclass(frozen=True)
class Migrating(OnceMonitored):
    """All workers are plain ones again."""

    def _listening(self, queue: int) -> tuple[int, int]:
        return (0, 0) if queue == self.queues - 1 else (3, 0)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    yield from past(
        History(START, monitored=False), tmp_path_factory.mktemp("plain"), project_root / "prometheus/rules"
    )


@pytest.fixture(scope="module")
def migrating(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    yield from past(Migrating(START), tmp_path_factory.mktemp("migrating"), project_root / "prometheus/rules")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    history = OnceMonitored(START, all_monitored=True)
    yield from past(history, tmp_path_factory.mktemp("quiet"), project_root / "prometheus/rules")


def ask(prometheus: RecordedPrometheus, query: Asked, **choices: str) -> list[Json]:
    """The series of a query, each with its last value."""
    expr = interpolate(query, HOUR, **choices)
    if query.instant:
        return prometheus.instant(expr, END)
    answer = prometheus.range(expr, END, END, step_of(query, HOUR))
    return [{**series, "value": series["values"][-1]} for series in answer]


def of(panel: str) -> list[Asked]:
    """The queries of all panels of this title."""
    return [query for query in PANEL_QUERIES if query.panel == panel]


def of_stats(*titles: str) -> list[Asked]:
    stats = {
        (uid, panel["title"])
        for uid in BOARDS
        for panel in data_panels(BOARDS[uid])
        if panel["type"] == "stat"
    }
    return [query for title in titles for query in of(title) if (query.board, title) in stats]


def test_panels_about_counted_jobs_are_empty_with_plain_workers(plain: RecordedPrometheus) -> None:
    counted = [
        query
        for query in PANEL_QUERIES
        if COUNTED_BY_WORKERS.search(query.expr) and not COUNTED_BY_RQ.search(query.expr)
    ]

    assert counted
    assert [str(query) for query in counted if ask(plain, query)] == []


@pytest.mark.parametrize("query", of_stats(*COUNTS), ids=str)
def test_a_missing_count_is_not_shown_as_zero(
    migrating: RecordedPrometheus, quiet: RecordedPrometheus, query: Asked
) -> None:
    """Its counters exist but do not rise: zero if all workers count, not measured if some do not."""
    assert ask(migrating, query) == []
    assert [series["value"][1] for series in ask(quiet, query)] == ["0"]


def test_a_count_is_shown_if_some_workers_count(
    tmp_path_factory: pytest.TempPathFactory, project_root: Path
) -> None:
    """Three counted failures are at least three, even if other workers do not count."""
    directory = tmp_path_factory.mktemp("some")
    for prometheus in past(History(START), directory, project_root / "prometheus/rules"):
        for query in of_stats(*COUNTS):
            (series,) = ask(prometheus, query)
            assert float(series["value"][1]) > 0, query


@pytest.mark.parametrize("fixture", ["plain", "migrating"])
def test_throughput_and_failure_ratio_use_rqs_own_counts(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    """Each of four workers has 0.1 successes and 0.01 failures a second."""
    prometheus: RecordedPrometheus = request.getfixturevalue(fixture)

    (throughput,) = ask(prometheus, *of("Throughput"))
    ratios = [ask(prometheus, query) for query in of_stats("Failure ratio")]
    (ended,) = (query for query in of("Jobs ended") if query.board == "rq-overview")
    outcomes = {
        series["metric"]["outcome"]: fmean(float(value) for _, value in series["values"])
        for series in prometheus.range(interpolate(ended, HOUR), START, END, step_of(ended, HOUR))
    }

    assert float(throughput["value"][1]) == pytest.approx(60 * 4 * 0.11, rel=0.1)
    assert [float(series["value"][1]) for (series,) in ratios] == [
        pytest.approx(1 / 11, rel=0.05) for _ in range(3)
    ]
    assert outcomes == pytest.approx({"success": 24, "failed": 2.4}, rel=0.2)


def test_rqs_own_counts_are_not_shown_for_a_selected_function(migrating: RecordedPrometheus) -> None:
    """RQ knows no functions."""
    of_all = [query for query in of_stats("Failure ratio") if "$function" in query.expr]

    assert len(of_all) == 2
    for query in of_all:
        assert ask(migrating, query)
        assert ask(migrating, query, function="app.jobs.function_0") == []


@dataclass(frozen=True)
class OneQueueEach(Migrating):
    """Each worker listens to one queue, so RQ's counts belong to that queue."""

    def _worker(self, name: str, queue: str, index: int) -> Iterator[Series]:
        for series in super()._worker(name, queue, index):
            one = {"queues": queue} if "queues" in series.labels else {}
            yield Series(series.name, series.labels | one, series.value)


def test_the_failure_ratio_of_a_queue_comes_from_its_own_workers(
    tmp_path_factory: pytest.TempPathFactory, project_root: Path, migrating: RecordedPrometheus
) -> None:
    """Those that listen to several queues are of none of them."""
    directory = tmp_path_factory.mktemp("each")

    for prometheus in past(OneQueueEach(START), directory, project_root / "prometheus/rules"):
        (series,) = ask(prometheus, BY_QUEUE)
        assert series["metric"]["queue"] == "queue-0"
        assert float(series["value"][1]) == pytest.approx(1 / 11, rel=0.05)
    assert ask(migrating, BY_QUEUE) == []


@dataclass(frozen=True)
class ThreeQueues(OneQueueEach):
    """Executions of the first queue's workers fail, those of the second succeed; the third has none."""

    queues: int = 4
    workers: int = 3

    def _worker(self, name: str, queue: str, index: int) -> Iterator[Series]:
        rising = [catalogue.WORKERS_FAILED.name, catalogue.WORKERS_SUCCESS.name][index : index + 1]
        for series in super()._worker(name, queue, index):
            stands_still = COUNTED_BY_RQ.fullmatch(series.name) and series.name not in rising
            yield Series(series.name, series.labels, (lambda _: 7.0) if stands_still else series.value)


def test_a_failure_ratio_is_from_0_to_1_and_missing_without_executions(
    tmp_path_factory: pytest.TempPathFactory, project_root: Path
) -> None:
    directory = tmp_path_factory.mktemp("three")

    for prometheus in past(ThreeQueues(START), directory, project_root / "prometheus/rules"):
        found = {series["metric"]["queue"]: series["value"][1] for series in ask(prometheus, BY_QUEUE)}

        assert found == {"queue-0": "1", "queue-1": "0"}
