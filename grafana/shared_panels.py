"""Panels that stand on more than one dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from grafana import links
from grafana.common import (
    A_MINUTE,
    ANY_IS_BAD,
    ANY_IS_ODD,
    COUNT,
    EXCEPTION_COLOURS,
    JOBS_A_SECOND,
    NO_METRICS,
    NOT_MEASURED,
    NOTHING_FAILED,
    OUTCOME_COLOURS,
    QUANTILE_COLOURS,
    RATIO_STEPS,
    REDIS_COLUMN,
    SHARE_OF_LIMIT_STEPS,
    WAIT_COLOURS,
)
from grafana.layer.bar_gauge import bar_gauge
from grafana.layer.fields import Link, graded
from grafana.layer.heatmap import heatmap
from grafana.layer.panel import Panel
from grafana.layer.stat import stat
from grafana.layer.table import Column, Label, table
from grafana.layer.time_series import time_series
from grafana.links import row_to_page, to
from grafana.queries import durations, jobs, objectives, queues, workers

TO_FAILURES = to(links.FAILURES)
SAME_FAILURES = row_to_page(
    "Failed jobs", "/queue?state=failed", name="queue", function="function", exception="exception"
)
"""From a row with an exception too."""
FAILED_JOBS = row_to_page("Failed jobs", "/queue?state=failed", name="queue", function="function")
"""From a row with a queue and a function."""


def failed_jobs(*choices: str, links: Sequence[Link] = ()) -> Panel:
    """How many jobs failed for good."""
    return stat(
        "Failed",
        "Jobs that failed for good in the chosen time: they raised and had no retry left, or their worker "
        "died.",
        jobs.count(*choices, jobs.FAILED),
        unit=COUNT,
        decimals=0,
        colours=ANY_IS_BAD,
        no_value=NO_METRICS,
        links=links,
    )


def failure_ratio(*choices: str, links: Sequence[Link] = ()) -> Panel:
    """Which part of the jobs failed for good."""
    return stat(
        "Failure ratio",
        "Share of the jobs ended in the time range that failed for good; retried jobs have not ended. While "
        "uninstrumented workers run: share of all executions, retried ones included, of all functions, as "
        "counted by RQ for each worker.",
        jobs.failure_ratio(*choices),
        unit="percentunit",
        decimals=1,
        colours=graded("green", *RATIO_STEPS),
        no_value=NO_METRICS,
        links=links,
    )


def work_horses_died(*choices: str) -> Panel:
    """How many work horses died with a job in hand."""
    return stat(
        "Work-horse crashes",
        "Processes that died while they ran a job, in the chosen time: killed by a signal, most often for "
        "lack of memory; exited by themselves; or ended because they could not record how the job did.",
        jobs.work_horses_died(*choices),
        unit=COUNT,
        decimals=0,
        colours=ANY_IS_BAD,
        no_value=NO_METRICS,
    )


def abandoned_jobs(*choices: str) -> Panel:
    """How many jobs lost their worker."""
    return stat(
        "Abandoned",
        "Jobs whose worker died with them in the chosen time; found when their heartbeat expired.",
        jobs.count(*choices, jobs.ABANDONED),
        unit=COUNT,
        decimals=0,
        colours=ANY_IS_BAD,
        no_value=NO_METRICS,
    )


def died_and_abandoned(*choices: str, links: Sequence[Link]) -> Panel:
    """The same two over time."""
    return time_series(
        "Crashed and abandoned",
        "Jobs whose work horse died (WorkHorseKilled: by a signal; WorkHorseExited: by itself; "
        "FailureNotRecorded: it could not record how the job did), and jobs whose worker died, a minute.",
        [jobs.lost_per_minute(*choices)],
        unit=A_MINUTE,
        bars=True,
        series_colours=EXCEPTION_COLOURS,
        no_value=NOT_MEASURED,
        links=links,
    )


def jobs_ended(*choices: str) -> Panel:
    """Executions by how they ended."""
    return time_series(
        "Jobs ended",
        "Executions per minute by outcome. While uninstrumented workers run: success and failure, of all "
        "functions, as counted by RQ for each worker.",
        [jobs.ended_per_minute(*choices)],
        unit=A_MINUTE,
        stacked=True,
        series_colours=OUTCOME_COLOURS,
        no_value=NOT_MEASURED,
        links=[TO_FAILURES],
    )


def errors_by_exception() -> Panel:
    """Errors over time."""
    return time_series(
        "Errors by exception",
        "Executions that ended with an error, a minute, retried ones included, by exception.",
        [jobs.exceptions_per_minute()],
        unit=A_MINUTE,
        stacked=True,
        bars=True,
        series_colours=EXCEPTION_COLOURS,
        no_value=NOTHING_FAILED,
    )


def errors(title: str, *, function_links: Sequence[Link]) -> Panel:
    """Failing functions, since when, with which exception."""
    return table(
        title,
        "Executions that ended with an error in the chosen time, retried ones included, by function and "
        "exception. First and last: when the error was seen in the chosen time, to half a minute. A click on "
        "the exception shows the failed jobs.",
        [
            Label("function", "Function", links=function_links),
            Label("exception", "Exception", links=[SAME_FAILURES]),
            Label("queue", "Queue"),
            REDIS_COLUMN,
        ],
        [
            Column("Errors", jobs.errors(), unit=COUNT, decimals=0),
            Column("First", jobs.first_error(), unit="dateTimeFromNow"),
            Column("Last", jobs.last_error(), unit="dateTimeFromNow"),
        ],
        sort_by="Errors",
        no_value=NOTHING_FAILED,
    )


def run_time_heatmap() -> Panel:
    """Run times, with single jobs to click on."""
    return heatmap(
        "Run times",
        "Jobs ended a second, by run time. A dot is one job: a click leads to its page, with times, outcome "
        "and traceback.",
        durations.run_histogram(),
        unit="s",
        cell_unit=JOBS_A_SECOND,
        no_value=NOT_MEASURED,
    )


def run_time_quantiles(*choices: str) -> Panel:
    return time_series(
        "Run time",
        "Half, 95 % and 99 % of the executions ran for at most this long.",
        durations.run_quantiles_over_time(*choices),
        unit="s",
        scale="log",
        series_colours=QUANTILE_COLOURS,
        no_value=NOT_MEASURED,
    )


def oldest_wait(*, links: Sequence[Link] = ()) -> Panel:
    """How long the job has waited that has waited longest."""
    return stat(
        "Oldest wait",
        "Age of the job that has waited longest in any of the queues.",
        queues.oldest_age_of_all(),
        unit="s",
        colours=WAIT_COLOURS,
        sparkline=True,
        links=links,
    )


def not_counting() -> Panel:
    """What is missing where workers are no MonitoredWorkers."""
    return bar_gauge(
        "Uninstrumented workers",
        "Live workers that are no MonitoredWorkers, by queue. Durations, waits, failures and retries of "
        "their jobs, of all functions, are missing on this page: start them with `--worker-class "
        "rq_mon.MonitoredWorker`.",
        workers.not_counting(),
        unit=COUNT,
        colours=ANY_IS_ODD,
        no_value="None: all jobs count",
        links=[to(links.WORKERS)],
    )


def running_jobs(*, links: Sequence[Link]) -> Panel:
    """What runs now, and for how long."""
    return table(
        "Running jobs",
        "Jobs that run now, of any function. Run SLO: the time within which jobs of the queue must end. "
        "Timeout: the time after which the worker ends the job. Function "
        "and job are named of those that run for longer than their objective. A click on the worker shows "
        "the job in any case.",
        [
            Label("name", "Worker", links=[row_to_page("Running job", "/running", q="name")]),
            Label("queue", "Queue", links=links),
            Label("function", "Function", links=[row_to_page("Its running jobs", "/running", q="function")]),
            Label("job_id", "Job", links=[row_to_page("Job", "/job", id="job_id")]),
            REDIS_COLUMN,
        ],
        [
            Column("Running", workers.running_job(), unit="s"),
            Column(
                "% of run SLO",
                objectives.running_of_run_objective(),
                unit="percentunit",
                decimals=0,
                colours=SHARE_OF_LIMIT_STEPS,
            ),
            Column(
                "% of timeout",
                workers.running_of_timeout(),
                unit="percentunit",
                decimals=0,
                colours=SHARE_OF_LIMIT_STEPS,
            ),
        ],
        sort_by="% of timeout",
        no_value="No job runs",
    )
