"""A real Prometheus with a made-up hour, in which everything happens, answers every query of every panel."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grafana.queries.promql import AT_INSTANCE
from proofs.harness.boards import (
    BOARDS,
    PANEL_QUERIES,
    Asked,
    data_panels,
    interpolate,
    panel_queries,
    step_of,
)
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import Json, RecordedPrometheus
from rq_mon import catalogue
from stack.settings import PROJECT_ROOT
from tests.harness.past import END, HOUR, START, past

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.slow]

LEGEND_LABEL = re.compile(r"\{\{(\w+)\}\}")
LINK_LABEL = re.compile(r"\$\{__(?:field\.labels|data\.fields)\.(\w+)")

CHEAT_SHEET = re.findall(
    r"```promql\n(.*?)\n```",
    (PROJECT_ROOT / "docs" / "extend" / "promql.md").read_text(encoding="utf-8"),
    re.DOTALL,
)
HEALTHY_IN_THE_HOUR = {
    "rq_worker_job_running_seconds / on (instance, name, queue) rq_worker_job_timeout_seconds > 0.5",
    "time() - max by (name) (rq_worker_last_heartbeat_timestamp_seconds) > 60",
}
"""Queries without an answer at the end of the hour: no job is near its timeout, no worker silent."""

OTHER = "billing"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    yield from past(
        History(START), tmp_path_factory.mktemp("monitored"), project_root / "prometheus" / "rules"
    )


@pytest.fixture(scope="module")
def plain_workers(
    tmp_path_factory: pytest.TempPathFactory, project_root: Path
) -> Iterator[RecordedPrometheus]:
    """An application with its own workers, so only RQ's own data exists."""
    history = History(START, monitored=False)
    yield from past(history, tmp_path_factory.mktemp("plain"), project_root / "prometheus" / "rules")


@pytest.fixture(scope="module")
def two_redis(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    """The same happens in both, under the same names."""
    history = History(START, instances=(catalogue.OWN_INSTANCE, OTHER))
    yield from past(history, tmp_path_factory.mktemp("two"), project_root / "prometheus" / "rules")


def ask(prometheus: RecordedPrometheus, query: Asked, instance: str = ".+") -> list[Json]:
    """What a panel gets for the hour. An instant query gives one value for each series."""
    expr = interpolate(query, HOUR, instance)
    if query.instant:
        return [{**one, "values": [one["value"]]} for one in prometheus.instant(expr, END)]
    return prometheus.range(expr, START, END, step_of(query, HOUR))


@pytest.mark.parametrize("query", PANEL_QUERIES, ids=str)
def test_every_query_of_every_panel_returns_numbers(prometheus: RecordedPrometheus, query: Asked) -> None:
    values = [value for series in ask(prometheus, query) for _, value in series["values"]]

    assert values, f"no series: {query.expr}"
    assert all(math.isfinite(float(value)) for value in values), f"not all are numbers: {query.expr}"


@pytest.mark.parametrize("query", CHEAT_SHEET, ids=range(len(CHEAT_SHEET)))
def test_every_query_of_the_page_for_users_returns_numbers(
    prometheus: RecordedPrometheus, query: str
) -> None:
    values = [one["value"][1] for one in prometheus.instant(query, END)]

    assert all(math.isfinite(float(value)) for value in values)
    assert bool(values) != (query in HEALTHY_IN_THE_HOUR)


@pytest.mark.parametrize("uid", BOARDS)
def test_series_have_the_labels_in_their_legends_and_links(prometheus: RecordedPrometheus, uid: str) -> None:
    """Legends, table columns and links use labels: a missing one leaves a blank."""
    for panel in data_panels(BOARDS[uid]):
        queries = [query for query in panel_queries(uid) if query.panel == panel["title"]]
        found = [ask(prometheus, query) for query in queries]
        for target, series in zip(panel["targets"], found, strict=True):
            for one in series:
                # Without several Redis, the name of the Redis is removed from the end.
                legend = target["legendFormat"].removesuffix(AT_INSTANCE)
                assert set(LEGEND_LABEL.findall(legend)) <= set(one["metric"]), panel["title"]
        labels = {label for series in found for one in series for label in one["metric"]}
        assert set(LINK_LABEL.findall(json.dumps(panel))) <= labels, panel["title"]
        for transformation in panel["transformations"]:
            columns = set(transformation["options"].get("renameByName", {}))
            columns |= set(transformation["options"].get("excludeByName", {}))
            assert {name for name in columns if not name.startswith(("Value", "Time"))} <= labels, panel[
                "title"
            ]


WORTH_KNOWING = {
    ("rq-overview", "Cron jobs late"): 1,
    ("rq-overview", "Firing alerts"): 1,
    ("rq-queue-depth", "No workers"): 1,
    ("rq-queue-depth", "Overdue"): 1,
    ("rq-queue-depth", "Stuck"): 1,
    ("rq-workers", "Up"): 4,
    ("rq-workers", "Busy"): 2,
    ("rq-workers", "Idle"): 2,
    ("rq-workers", "Overdue heartbeats"): 1,
    ("rq-cron", "Cron jobs"): 3,
    ("rq-cron", "Schedulers"): 2,
    ("rq-cron", "Late"): 1,
    ("rq-stack-health", "Services down"): 0,
    ("rq-stack-health", "Redis persists"): 1,
}


@pytest.mark.parametrize(("place", "expected"), WORTH_KNOWING.items(), ids=str)
def test_every_event_of_the_hour_is_shown(
    prometheus: RecordedPrometheus, place: tuple[str, str], expected: float
) -> None:
    uid, title = place
    (query,) = (query for query in panel_queries(uid) if query.panel == title)

    (answer,) = ask(prometheus, query)

    assert float(answer["values"][-1][1]) == expected


@pytest.mark.parametrize("uid", BOARDS)
def test_with_plain_workers_an_empty_panel_shows_the_reason(
    plain_workers: RecordedPrometheus, uid: str
) -> None:
    for panel in data_panels(BOARDS[uid]):
        answers = [ask(plain_workers, query) for query in panel_queries(uid) if query.panel == panel["title"]]
        if not any(answers):
            assert panel["fieldConfig"]["defaults"].get("noValue"), panel["title"]


@pytest.mark.parametrize(
    "place",
    [
        ("rq-overview", "Queues"),
        ("rq-failures", "Uninstrumented workers"),
        ("rq-durations", "Uninstrumented workers"),
    ],
    ids=" ".join,
)
def test_workers_with_missing_jobs_are_shown(
    prometheus: RecordedPrometheus, plain_workers: RecordedPrometheus, place: tuple[str, str]
) -> None:
    """The last queue has no workers at all."""
    uid, title = place
    (query,) = (
        query
        for query in panel_queries(uid)
        if query.panel == title
        and catalogue.QUEUE_MONITORED_WORKERS.name in query.expr
        and catalogue.JOBS_PROCESSED.name not in query.expr
    )

    some, all_ = (
        {series["metric"]["queue"]: series["values"][-1][1] for series in ask(server, query)}
        for server in (prometheus, plain_workers)
    )

    assert some == {"queue-0": "1"}
    assert all_ == {"queue-0": "3"}


def test_an_error_that_happened_once_is_counted(prometheus: RecordedPrometheus) -> None:
    """Its counter starts with the value 1, so the raw counter never increases."""
    raw = 'sum(increase(rq_job_failures_total{exception="KeyError"}[1h]))'
    recorded = (
        'sum(increase(queue_function_exception:rq_job_failures_total:from_zero{exception="KeyError"}[1h]))'
    )
    functions = History(START).functions

    assert prometheus.instant(raw, END)[0]["value"][1] == "0"
    assert float(prometheus.instant(recorded, END)[0]["value"][1]) == pytest.approx(functions, rel=0.05)


@pytest.mark.parametrize("uid", ["rq-failures", "rq-workers"])
def test_each_cause_of_death_of_a_work_horse_is_counted(prometheus: RecordedPrometheus, uid: str) -> None:
    (total,) = (query for query in panel_queries(uid) if query.panel == "Work-horse crashes")
    (over_time,) = (query for query in panel_queries(uid) if query.panel == "Crashed and abandoned")
    of_each = {
        exception: float(
            prometheus.instant(f'sum(increase(rq_job_failures_total{{exception="{exception}"}}[1h]))', END)[
                0
            ]["value"][1]
        )
        for exception in ("WorkHorseKilled", "WorkHorseExited", "FailureNotRecorded", "AbandonedJobError")
    }

    assert {series["metric"]["exception"] for series in ask(prometheus, over_time)} == of_each.keys()
    died = sum(of_each.values()) - of_each["AbandonedJobError"]
    assert min(of_each.values()) > 0
    assert float(ask(prometheus, total)[0]["values"][-1][1]) == pytest.approx(died, rel=0.05)


def by_labels_and_time(answer: list[Json], instance: str) -> dict[tuple[frozenset[str], int], float]:
    """The values of all series, without the name of this Redis."""
    return {
        (
            frozenset(f"{name}={text}" for name, text in series["metric"].items() if text != instance),
            time,
        ): float(value)
        for series in answer
        for time, value in series["values"]
    }


SHARES_OF_ALL = ("rq-durations: Slowest functions E",)
"""Shares of the work in all chosen Redis: they shrink with each further Redis."""


@pytest.mark.parametrize("query", PANEL_QUERIES, ids=str)
def test_selecting_one_redis_of_two_hides_the_other(
    prometheus: RecordedPrometheus, two_redis: RecordedPrometheus, query: Asked
) -> None:
    alone, chosen = ask(prometheus, query), ask(two_redis, query, OTHER)

    if "ALERTS" in query.expr:  # an alert of the first one
        assert [value for series in chosen for _, value in series["values"] if float(value)] == []
    else:
        assert by_labels_and_time(chosen, OTHER) == pytest.approx(
            by_labels_and_time(alone, catalogue.OWN_INSTANCE)
        )


@pytest.mark.parametrize("query", PANEL_QUERIES, ids=str)
def test_two_redis_are_shown_separately_or_deliberately_summed(
    prometheus: RecordedPrometheus, two_redis: RecordedPrometheus, query: Asked
) -> None:
    """A name of a queue, function, worker or cron job exists once in each Redis."""
    named = {"queue", "function", "name", "cron_job"}
    answer = ask(two_redis, query)

    for series in answer:
        assert "instance" in series["metric"] or not named & set(series["metric"]), query.expr
    if "ALERTS" not in query.expr and str(query) not in SHARES_OF_ALL:
        of_other = [series for series in answer if series["metric"].get("instance") == OTHER]
        of_main = [series for series in ask(prometheus, query) if "instance" in series["metric"]]
        assert by_labels_and_time(of_other, OTHER) == pytest.approx(
            by_labels_and_time(of_main, catalogue.OWN_INSTANCE)
        )
