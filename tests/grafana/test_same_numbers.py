"""A number on several dashboards is the same on each, for any range and choices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grafana.queries.promql import LONG
from proofs.harness.boards import BOARDS, Asked, Json, data_panels, interpolate, queries_of, step_of
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from tests.harness.past import END, HOUR, START, past

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.slow]

MOMENTS = {
    "young": (START + 150, 900),
    "quarter": (END, 900),
    "hour": (END, HOUR),
    "days": (END, LONG),
}
"""End and length of a range. The first and the last begin before anything was measured."""

CHOICES: tuple[dict[str, str], ...] = (
    {},
    {"queue": "queue-0"},
    {"queue": "queue-0", "function": "app.jobs.function_2"},
    {"queue": "queue-1", "function": "app.jobs.function_1"},
)

Numbers = dict[tuple[str, ...], float]


@dataclass(frozen=True)
class Place:
    """A place of a number: a panel, or a column of a table."""

    board: str
    panel: str
    column: str = ""

    def queries(self) -> list[Asked]:
        """The query of the column, or all queries of the panel."""
        (panel,) = (one for one in data_panels(BOARDS[self.board]) if one["title"] == self.panel)
        asked = [one for one in queries_of(BOARDS[self.board]) if one.panel == self.panel]
        return [one for one in asked if not self.column or one.target == headers(panel)[self.column]]


@dataclass(frozen=True)
class Quantity:
    """A number, and all its places."""

    places: tuple[Place, ...]
    by: tuple[str, ...] = ()
    """Labels that identify its values."""
    how: str = "sum"
    """How to combine the finer values of a place: `sum`, `max`, or `one` if there must be only one."""
    over_time: bool = False
    """Whether all places are graphs, which agree at every step. Otherwise the last value counts."""


def headers(table: Json) -> dict[str, str]:
    """The letter of the query of each numeric column."""
    names = {
        name: header
        for transformation in table["transformations"]
        for name, header in transformation["options"].get("renameByName", {}).items()
    }
    return {
        header: name.removeprefix("Value").removeprefix(" #") or "A"
        for name, header in names.items()
        if name.startswith("Value")
    }


OVERVIEW, FAILURES, DURATIONS = "rq-overview", "rq-failures", "rq-durations"
QUEUE_DEPTH, WORKERS, CRON = "rq-queue-depth", "rq-workers", "rq-cron"
JOB_FUNCTION, STACK_HEALTH = "rq-job-function", "rq-stack-health"

QUEUES = (OVERVIEW, "Queues")
OF_FUNCTION = (JOB_FUNCTION, "Queues")
SLOWEST = (DURATIONS, "Slowest functions")
WHAT_FAILS, ERRORS = (FAILURES, "Failing functions"), (JOB_FUNCTION, "Errors")
RUNNING = ((DURATIONS, "Running jobs"), (WORKERS, "Running jobs"))


def both(title: str, *boards: str) -> tuple[Place, ...]:
    """Panels of the same title."""
    return tuple(Place(board, title) for board in boards)


QUANTITIES = {
    "executions": Quantity(
        (
            Place(*SLOWEST, "Executions"),
            Place(JOB_FUNCTION, "Executions"),
            Place(*OF_FUNCTION, "Executions"),
        )
    ),
    "executions by queue": Quantity(
        (Place(*SLOWEST, "Executions"), Place(*OF_FUNCTION, "Executions")), by=("queue",)
    ),
    "failed": Quantity(both("Failed", FAILURES, JOB_FUNCTION)),
    "failed for good": Quantity((Place(FAILURES, "Failed"), Place(OVERVIEW, "Top failing functions"))),
    "failure ratio": Quantity(both("Failure ratio", OVERVIEW, FAILURES, JOB_FUNCTION)),
    "failure ratio by queue": Quantity(
        (Place(*QUEUES, "Failure ratio"), Place(*OF_FUNCTION, "Failure ratio")), by=("queue",)
    ),
    "errors": Quantity(
        (Place(*WHAT_FAILS, "Errors"), Place(*ERRORS, "Errors")), by=("queue", "function", "exception")
    ),
    "errors by exception in all": Quantity(
        (Place(FAILURES, "Top exceptions"), Place(*ERRORS, "Errors")), by=("exception",)
    ),
    "first error": Quantity(
        (Place(*WHAT_FAILS, "First"), Place(*ERRORS, "First")), by=("function", "exception")
    ),
    "last error": Quantity(
        (Place(*WHAT_FAILS, "Last"), Place(*ERRORS, "Last")), by=("function", "exception")
    ),
    "errors by exception": Quantity(
        both("Errors by exception", FAILURES, JOB_FUNCTION), by=("exception",), over_time=True
    ),
    "work horses died": Quantity(both("Work-horse crashes", FAILURES, WORKERS)),
    "abandoned": Quantity(both("Abandoned", FAILURES, WORKERS)),
    "died and abandoned": Quantity(
        both("Crashed and abandoned", FAILURES, WORKERS), by=("exception",), over_time=True
    ),
    "jobs ended": Quantity(both("Jobs ended", OVERVIEW, JOB_FUNCTION), by=("outcome",), over_time=True),
    "throughput": Quantity((Place(OVERVIEW, "Throughput"), Place(JOB_FUNCTION, "Jobs ended"))),
    **{
        f"run time {p}": Quantity(
            (*both(f"Run time {p}", DURATIONS, JOB_FUNCTION), Place(*SLOWEST, p)), how="one"
        )
        for p in ("p50", "p95", "p99")
    },
    "run time p95 by queue": Quantity(
        (Place(DURATIONS, "Run time p95"), Place(*QUEUES, "p95 run")), how="one"
    ),
    "wait p95": Quantity((Place(DURATIONS, "Wait p95"), Place(*QUEUES, "p95 wait")), how="one"),
    "mean run time": Quantity(
        (Place(CRON, "Schedule", "Run time"), Place(*OF_FUNCTION, "Mean run")), how="one"
    ),
    "run time": Quantity(both("Run time", DURATIONS, JOB_FUNCTION), over_time=True),
    "run times": Quantity(both("Run times", DURATIONS, JOB_FUNCTION), by=("le",), over_time=True),
    "queued": Quantity((Place(QUEUE_DEPTH, "Queued"), Place(*QUEUES, "Queued"))),
    "depth": Quantity(
        (Place(OVERVIEW, "Queue depth"), Place(QUEUE_DEPTH, "Depth by queue")), by=("queue",), over_time=True
    ),
    "depth now": Quantity((Place(*QUEUES, "Queued"), Place(QUEUE_DEPTH, "Depth by queue")), by=("queue",)),
    "oldest wait": Quantity(
        (*both("Oldest wait", OVERVIEW, QUEUE_DEPTH), Place(*QUEUES, "Oldest job")), how="max"
    ),
    "oldest job": Quantity(
        (Place(*QUEUES, "Oldest job"), Place(QUEUE_DEPTH, "Oldest job by queue")), by=("queue",)
    ),
    "time to drain": Quantity(
        (Place(*QUEUES, "Time to drain"), Place(QUEUE_DEPTH, "Time to drain by queue")), by=("queue",)
    ),
    "workers by queue": Quantity(
        (*both("Workers by queue", QUEUE_DEPTH, WORKERS), Place(*QUEUES, "Workers")), by=("queue",)
    ),
    "uninstrumented": Quantity(
        (
            *both("Uninstrumented workers", FAILURES, DURATIONS),
            Place(*QUEUES, "Uninstrumented"),
        ),
        by=("queue",),
    ),
    **{
        f"running jobs, {column}": Quantity(tuple(Place(*one, column) for one in RUNNING), by=("name",))
        for column in ("Running", "% of run SLO", "% of timeout")
    },
    "firing alerts": Quantity(both("Firing alerts", OVERVIEW, STACK_HEALTH)),
    "late cron jobs": Quantity((Place(OVERVIEW, "Cron jobs late"), Place(CRON, "Late"))),
    "lateness": Quantity(
        (
            Place(CRON, "Schedule", "Late by"),
            Place(CRON, "Late by"),
            Place(JOB_FUNCTION, "Cron jobs", "Late by"),
        ),
        by=("cron_job",),
    ),
}

DIFFERENT = {
    "Failed": [Place(WORKERS, "Workers", "Failed")],
    "State": [Place(CRON, "Schedule", "State"), Place(WORKERS, "Workers", "State")],
}
"""Numbers with the same name that differ on purpose: of each worker, of cron jobs, of waits."""


@pytest.fixture(scope="module", params=["all monitored", "some monitored", "plain"])
def prometheus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, project_root: Path
) -> Iterator[RecordedPrometheus]:
    history = History(
        START, all_monitored=request.param == "all monitored", monitored=request.param != "plain"
    )
    yield from past(history, tmp_path_factory.mktemp("past"), project_root / "prometheus" / "rules")


def numbers(
    prometheus: RecordedPrometheus,
    quantity: Quantity,
    place: Place,
    moment: tuple[int, int],
    choices: dict[str, str],
) -> Numbers:
    """The values of a place, by the labels of the quantity and, in graphs, by time."""
    end, length = moment
    found = defaultdict(list)
    for query in place.queries():
        expr = interpolate(query, length, **choices)
        if query.instant:
            answer = [{**one, "values": [one["value"]]} for one in prometheus.instant(expr, end)]
        else:
            start = end - length if quantity.over_time else end
            answer = prometheus.range(expr, start, end, step_of(query, length))
        for series in answer:
            labels = [series["metric"].get(label, "") for label in quantity.by]
            for time, value in series["values"]:
                when = [query.target, str(time)] if quantity.over_time else []
                found[(*labels, *when)].append(float(value))
    if quantity.how == "one":
        return {key: values[0] for key, values in found.items() if len(values) == 1}
    return {key: max(values) if quantity.how == "max" else sum(values) for key, values in found.items()}


def asks_for(place: Place, choices: dict[str, str]) -> bool:
    """Whether a place depends on these choices."""
    return all(f"${choice}" in query.expr for query in place.queries() for choice in choices)


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_number_is_the_same_on_every_dashboard(prometheus: RecordedPrometheus, name: str) -> None:
    quantity = QUANTITIES[name]

    for moment, range_ in MOMENTS.items():
        for choices in CHOICES:
            places = [place for place in quantity.places if asks_for(place, choices)]
            shown = {place: numbers(prometheus, quantity, place, range_, choices) for place in places}
            if quantity.how == "one":
                shown = {place: found for place, found in shown.items() if found}
            first, *others = shown.values() or [{}]
            for place, other in zip(list(shown)[1:], others, strict=True):
                assert other == pytest.approx(first, rel=1e-9), (moment, choices, place)


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_compared_number_is_shown_at_least_twice(all_monitored: RecordedPrometheus, name: str) -> None:
    """At least two places show a number under the same choices."""
    quantity = QUANTITIES[name]
    most = max(
        sum(
            bool(numbers(all_monitored, quantity, place, MOMENTS["hour"], choices))
            for place in quantity.places
            if asks_for(place, choices)
        )
        for choices in CHOICES
    )

    assert most == len(quantity.places) or name == "uninstrumented"


@pytest.fixture(scope="module")
def all_monitored(
    tmp_path_factory: pytest.TempPathFactory, project_root: Path
) -> Iterator[RecordedPrometheus]:
    yield from past(
        History(START, all_monitored=True),
        tmp_path_factory.mktemp("all"),
        project_root / "prometheus" / "rules",
    )


def test_every_name_on_two_dashboards_is_compared() -> None:
    """Of a panel with one number a series, or of a column of numbers."""
    standing: dict[str, set[Place]] = defaultdict(set)
    for uid, board in BOARDS.items():
        for panel in data_panels(board):
            if panel["type"] == "table":
                for header in headers(panel):
                    standing[header].add(Place(uid, panel["title"], header))
            else:
                standing[panel["title"]].add(Place(uid, panel["title"]))
    twice = {
        place
        for places in standing.values()
        if len({place.board for place in places}) > 1
        for place in places
    }
    compared = {place for quantity in QUANTITIES.values() for place in quantity.places}
    excused = {place for places in DIFFERENT.values() for place in places}

    assert twice - compared == excused
