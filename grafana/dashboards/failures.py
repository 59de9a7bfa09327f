"""Failures: the answer to "jobs are failing"."""

from grafana import links
from grafana.house import (
    ANY_IS_BAD,
    ANY_IS_ODD,
    FUNCTION_CHOICE,
    NO_METRICS,
    NOT_MEASURED,
    NOTHING_FAILED,
    QUEUE_CHOICE,
    RATIO_COLOURS,
    rq_dashboard,
)
from grafana.layer.fields import thresholds
from grafana.layer.layout import Heading, row
from grafana.layer.panels import bar_gauge, stat, text, time_series
from grafana.layer.tables import Column, Label, table
from grafana.links import dashboard_link, detail_link
from grafana.queries import jobs
from grafana.queries.promql import FUNCTION, QUEUE
from scheduler import catalogue

TO_FUNCTION = detail_link(
    "Job function", links.JOB_FUNCTION, queue=links.CELL_QUEUE, function=links.CELL_FUNCTION
)

GUIDE = """\
**Jobs are failing?** *What fails* names function, exception and since when. A click on the function leads to
its own dashboard, where the dots on the heatmap are single jobs with their tracebacks. Failed jobs stay in
their queue's failed registry: mend the cause, then `rq requeue --all --queue <queue>` runs them again.
"""

DASHBOARD = rq_dashboard(
    links.FAILURES,
    "Failures",
    "What fails, since when, and with which exception?",
    choices=[QUEUE_CHOICE, FUNCTION_CHOICE],
    rows=[
        row(
            4,
            stat(
                "Failed",
                "Jobs that failed for good in the chosen time: they raised and had no retry left, or their "
                "worker died.",
                jobs.count(QUEUE, FUNCTION, jobs.FAILED),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_METRICS,
            ),
            stat(
                "Failure ratio",
                "Of the jobs that ended in the chosen time, how many failed for good: retried ones have not "
                "ended.",
                jobs.failure_ratio(QUEUE, FUNCTION),
                unit="percentunit",
                decimals=1,
                colours=RATIO_COLOURS,
                no_value=NO_METRICS,
            ),
            stat(
                "Retried",
                "Executions in the chosen time that failed and were put back for another try.",
                jobs.count(QUEUE, FUNCTION, jobs.RETRIED),
                decimals=0,
                colours=ANY_IS_ODD,
                no_value=NO_METRICS,
            ),
            stat(
                "Killed",
                "Work horses that ended without a word in the chosen time: killed by the kernel for want of "
                "memory, by a signal, or crashed.",
                jobs.exception_count(catalogue.WORK_HORSE_KILLED, QUEUE, FUNCTION),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_METRICS,
                links=[dashboard_link("Workers", links.WORKERS)],
            ),
            stat(
                "Abandoned",
                "Jobs whose worker died with them in the chosen time; found when their heartbeat expired.",
                jobs.count(QUEUE, FUNCTION, jobs.ABANDONED),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_METRICS,
                links=[dashboard_link("Workers", links.WORKERS)],
            ),
            stat(
                "In the failed registry",
                "Failed jobs that RQ keeps now, of the chosen queues, any function, whoever ran them. They "
                "wait for `rq requeue`, or expire after a year.",
                jobs.in_registry("failed"),
                colours=ANY_IS_ODD,
                sparkline=True,
            ),
        ),
        row(3, text("What to do", GUIDE)),
        row(
            9,
            table(
                "What fails",
                "Executions that ended with an error in the chosen time, retried ones included, by function "
                "and exception. First and last: when the error was seen in the chosen time, to half a "
                "minute.",
                [
                    Label("function", "Function", links=[TO_FUNCTION]),
                    Label("exception", "Exception"),
                    Label("queue", "Queue"),
                ],
                [
                    Column("Errors", jobs.errors(), decimals=0, colours=thresholds("red")),
                    Column("First", jobs.first_error(), unit="dateTimeFromNow"),
                    Column("Last", jobs.last_error(), unit="dateTimeFromNow"),
                ],
                sort_by="Errors",
                no_value=NOTHING_FAILED,
            ),
            bar_gauge(
                "Top exceptions",
                "The exceptions that ended most executions in the chosen time, retried ones included.",
                jobs.top_exceptions(),
                colours=thresholds("red"),
                no_value=NOTHING_FAILED,
            ),
            widths=(16, 8),
        ),
        row(
            8,
            time_series(
                "Failure ratio by queue",
                "Of the jobs that ended, how many failed for good, by queue.",
                [jobs.failure_ratio_over_time("queue", QUEUE, FUNCTION)],
                unit="percentunit",
                maximum=1,
                no_value=NOT_MEASURED,
                series_links=[detail_link("Failures of the queue", links.FAILURES, queue=links.SERIES_QUEUE)],
            ),
            time_series(
                "Failed by function",
                "Jobs that failed for good, a minute, by function.",
                [jobs.failed_per_minute("function", QUEUE, FUNCTION)],
                unit="suffix:/min",
                stacked=True,
                no_value=NOT_MEASURED,
                series_links=[
                    detail_link("Job function", links.JOB_FUNCTION, function=links.SERIES_FUNCTION)
                ],
            ),
        ),
        row(
            8,
            time_series(
                "Errors by exception",
                "Executions that ended with an error, a minute, retried ones included, by exception.",
                [jobs.exceptions_per_minute()],
                unit="suffix:/min",
                stacked=True,
                no_value=NOTHING_FAILED,
            ),
            time_series(
                "Failed by queue",
                "Jobs that failed for good, a minute, by queue.",
                [jobs.failed_per_minute("queue", QUEUE, FUNCTION)],
                unit="suffix:/min",
                stacked=True,
                no_value=NOT_MEASURED,
            ),
        ),
        Heading("Do retries help, and who was killed"),
        row(
            8,
            stat(
                "Failures that were final",
                "Of the executions that failed in the chosen time, how many had no retry left. 0 %: every "
                "retry helped in the end. With three retries a job, 25 %: no retry ever helped.",
                jobs.final_share_of_failures(QUEUE, FUNCTION),
                unit="percentunit",
                decimals=0,
                no_value=NOTHING_FAILED,
            ),
            time_series(
                "Retried and failed",
                "Executions that failed, a minute: put back for another try, or failed for good. Retries "
                "that help show as retried without failed.",
                [
                    jobs.per_minute_in_all(QUEUE, FUNCTION, jobs.RETRIED, legend="retried"),
                    jobs.per_minute_in_all(QUEUE, FUNCTION, jobs.FAILED, legend="failed"),
                ],
                unit="suffix:/min",
                series_colours={"retried": "orange", "failed": "red"},
                no_value=NOT_MEASURED,
            ),
            time_series(
                "Killed and abandoned",
                "Work horses that were killed, and jobs whose worker died, per step of the graph.",
                [
                    jobs.exceptions_over_time(catalogue.WORK_HORSE_KILLED, QUEUE, FUNCTION),
                    jobs.exceptions_over_time(catalogue.ABANDONED, QUEUE, FUNCTION),
                ],
                bars=True,
                series_colours={catalogue.WORK_HORSE_KILLED: "red", catalogue.ABANDONED: "purple"},
                no_value="None was killed, or is not measured",
                links=[dashboard_link("Workers", links.WORKERS)],
            ),
            widths=(4, 10, 10),
        ),
    ],
)
