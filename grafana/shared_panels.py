"""Panels that several dashboards share."""

from __future__ import annotations

from collections.abc import Sequence

from grafana import links
from grafana.common import (
    A_MINUTE,
    ANY_IS_BAD,
    ANY_IS_ODD,
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
"""From a row that also has an exception."""
FAILED_JOBS = row_to_page("Failed jobs", "/queue?state=failed", name="queue", function="function")
"""From a row with a queue and a function."""


def failed_jobs(*choices: str, links: Sequence[Link] = ()) -> Panel:
    """Number of jobs that failed for good."""
    return stat(
        "Failed",
        "Jobs that failed for good in the time range: they raised with no retry left, or their worker died.",
        jobs.count(*choices, jobs.FAILED),
        decimals=0,
        colours=ANY_IS_BAD,
        no_value=NO_METRICS,
        links=links,
    )


def failure_ratio(*choices: str, links: Sequence[Link] = ()) -> Panel:
    """Share of jobs that failed for good."""
    return stat(
        "Failure ratio",
        "Share of the jobs ended in the time range that failed for good; jobs that will be retried have "
        "not ended. While uninstrumented workers run: share of all executions of all functions, by RQ's "
        "own counts.",
        jobs.failure_ratio(*choices),
        unit="percentunit",
        decimals=1,
        colours=graded("green", *RATIO_STEPS),
        no_value=NO_METRICS,
        links=links,
    )


def work_horses_died(*choices: str) -> Panel:
    """Number of work horses that died while they ran a job."""
    return stat(
        "Work-horse crashes",
        "Work horses that died while they ran a job in the time range. Killed by a signal (most often: out "
        "of memory), exited, or unable to record the result.",
        jobs.work_horses_died(*choices),
        decimals=0,
        colours=ANY_IS_BAD,
        no_value=NO_METRICS,
    )


def abandoned_jobs(*choices: str) -> Panel:
    """Number of jobs whose worker died."""
    return stat(
        "Abandoned",
        "Jobs in the time range whose worker died while it ran them. Found when the job's heartbeat expires.",
        jobs.count(*choices, jobs.ABANDONED),
        decimals=0,
        colours=ANY_IS_BAD,
        no_value=NO_METRICS,
    )


def died_and_abandoned(*choices: str, links: Sequence[Link]) -> Panel:
    """Crashed work horses and abandoned jobs over time."""
    return time_series(
        "Crashed and abandoned",
        "Jobs per minute whose work horse or worker died. WorkHorseKilled: by a signal. WorkHorseExited: "
        "by itself. FailureNotRecorded: it could not record the result. AbandonedJobError: the worker died.",
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
        "Executions per minute by outcome. While uninstrumented workers run: success and failure of all "
        "functions, by RQ's own counts.",
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
        "Executions per minute that ended with an error, by exception. Retried ones are included.",
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
        "Executions in the time range that ended with an error, by function and exception. First and last "
        "are exact to half a minute. Click an exception to see the failed jobs.",
        [
            Label("function", "Function", links=function_links),
            Label("exception", "Exception", links=[SAME_FAILURES]),
            Label("queue", "Queue"),
            REDIS_COLUMN,
        ],
        [
            Column("Errors", jobs.errors(), decimals=0),
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
        "Jobs ended per second, by run time. A dot is one job: click it for times, outcome and traceback.",
        durations.run_histogram(),
        unit="s",
        cell_unit=JOBS_A_SECOND,
        no_value=NOT_MEASURED,
    )


def run_time_quantiles(*choices: str) -> Panel:
    return time_series(
        "Run time",
        "Half (p50), 95 % and 99 % of the executions ran for at most this long.",
        durations.run_quantiles_over_time(*choices),
        unit="s",
        scale="log",
        series_colours=QUANTILE_COLOURS,
        no_value=NOT_MEASURED,
    )


def oldest_wait(*, links: Sequence[Link] = ()) -> Panel:
    """Age of the job that has waited longest."""
    return stat(
        "Oldest wait",
        "Age of the job that has waited longest in any of the queues.",
        queues.oldest_age_of_all(),
        unit="s",
        colours=WAIT_COLOURS,
        links=links,
    )


def not_counting() -> Panel:
    """Workers without job metrics."""
    return bar_gauge(
        "Uninstrumented workers",
        "Live plain RQ workers by queue. This page lacks the durations, waits, failures and retries of "
        "their jobs, of all functions. Start them with `--worker-class rq_mon.MonitoredWorker`.",
        workers.not_counting(),
        colours=ANY_IS_ODD,
        no_value="None: all jobs are counted",
        links=[to(links.WORKERS)],
    )


def running_jobs(*, links: Sequence[Link]) -> Panel:
    """Jobs that run now, and for how long."""
    return table(
        "Running jobs",
        "Jobs that run now, of any function, in percent of the queue's run SLO and of their timeout. "
        "Function and job are named once a job exceeds its run SLO. Click a worker to see its job.",
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
