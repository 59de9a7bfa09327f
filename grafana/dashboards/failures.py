"""Failures: the answer to "jobs are failing"."""

from grafana import links
from grafana.common import (
    A_MINUTE,
    ANY_IS_ODD,
    COUNTERS,
    FUNCTION_CHOICE,
    JOB_PAGES,
    NO_METRICS,
    NOT_MEASURED,
    NOTHING_FAILED,
    QUEUE_CHOICE,
    rq_dashboard,
)
from grafana.layer.bar_gauge import bar_gauge
from grafana.layer.fields import thresholds
from grafana.layer.layout import Heading, row
from grafana.layer.stat import stat
from grafana.layer.text import text
from grafana.layer.time_series import time_series
from grafana.links import cell_to, series_to, to, to_page
from grafana.queries import jobs, operators, queues
from grafana.queries.promql import FUNCTION, QUEUE
from grafana.shared_panels import (
    abandoned_jobs,
    died_and_abandoned,
    errors,
    errors_by_exception,
    failed_jobs,
    failure_ratio,
    not_counting,
    work_horses_died,
)
from rq_mon.settings import FAILURE_TTL_SECONDS

GUIDE = """\
**Jobs are failing?** *Failing functions* shows function, exception and since when. Click the exception to see
the failed jobs with their tracebacks, in the [job pages](${job_pages:raw}/failures). Fix the cause, then
*Requeue* them there. On the command line: `rqmon failed --traceback`, and
`rqmon requeue --function <function>`.
"""

DASHBOARD = rq_dashboard(
    links.FAILURES,
    "What fails, since when, and with which exception?",
    choices=[QUEUE_CHOICE, FUNCTION_CHOICE, JOB_PAGES, COUNTERS],
    rows=[
        row(
            4,
            failed_jobs(QUEUE, FUNCTION),
            failure_ratio(QUEUE, FUNCTION),
            stat(
                "Retried",
                "Executions in the time range that failed and will be retried.",
                jobs.count(QUEUE, FUNCTION, jobs.RETRIED),
                decimals=0,
                colours=ANY_IS_ODD,
                no_value=NO_METRICS,
            ),
            work_horses_died(QUEUE, FUNCTION),
            abandoned_jobs(QUEUE, FUNCTION),
            stat(
                "Failed registry",
                "Failed jobs that Redis holds now, any function; `rqmon requeue` runs them again. They "
                f"expire after {FAILURE_TTL_SECONDS // 86400} days if a worker of this stack ran them, "
                "after a year if a plain RQ worker did.",
                queues.in_state_in_all("failed"),
                colours=ANY_IS_ODD,
                links=[to_page("Failed jobs", "/failures")],
            ),
        ),
        row(4, text("What to do", GUIDE), not_counting(), widths=(18, 6)),
        row(
            9,
            errors("Failing functions", function_links=[cell_to(links.JOB_FUNCTION, "queue", "function")]),
        ),
        row(
            8,
            bar_gauge(
                "Top exceptions",
                "The most frequent exceptions in the time range, retried executions included.",
                jobs.top_exceptions(),
                decimals=0,
                colours=thresholds("red"),
                no_value=NOTHING_FAILED,
            ),
            time_series(
                "Failure ratio by queue",
                "Share of the ended jobs that failed for good, by queue. Jobs that will be retried have "
                "not ended.",
                [jobs.failure_ratio_over_time(QUEUE, FUNCTION)],
                unit="percentunit",
                no_value=NOT_MEASURED,
                series_links=[series_to(links.FAILURES, "queue")],
            ),
            time_series(
                "Failed by function",
                "Jobs per minute that failed for good, by function.",
                [jobs.failed_per_minute("function", QUEUE, FUNCTION)],
                unit=A_MINUTE,
                stacked=True,
                bars=True,
                no_value=NOTHING_FAILED,
                series_links=[series_to(links.JOB_FUNCTION, "function")],
            ),
            widths=(6, 9, 9),
        ),
        row(
            8,
            errors_by_exception(),
            bar_gauge(
                "Operator actions",
                "Jobs, cron jobs and series that operators changed in the time range with `rqmon` or in "
                "the browser, of any queue and any function. Pausing or resuming all workers counts as one.",
                operators.changes(),
                decimals=0,
                colours=thresholds("blue"),
                no_value="No changes",
            ),
            widths=(18, 6),
        ),
        Heading("Retries and crashes"),
        row(
            8,
            stat(
                "Final failures",
                "Share of the failed executions in the time range that had no retry left. 0 %: every retry "
                "helped. 25 % with three retries per job: no retry helped.",
                jobs.final_share_of_failures(QUEUE, FUNCTION),
                unit="percentunit",
                decimals=0,
                no_value="No failures",
            ),
            time_series(
                "Retried and failed",
                "Failed executions per minute: to be retried, or failed for good. If retries help, "
                "failed stays low.",
                [
                    jobs.per_minute_in_all(QUEUE, FUNCTION, jobs.RETRIED, legend="retried"),
                    jobs.per_minute_in_all(QUEUE, FUNCTION, jobs.FAILED, legend="failed"),
                ],
                unit=A_MINUTE,
                series_colours={"retried": "orange", "failed": "red"},
                no_value=NOT_MEASURED,
            ),
            died_and_abandoned(QUEUE, FUNCTION, links=[to(links.WORKERS)]),
            widths=(4, 10, 10),
        ),
    ],
)
