"""Job function: everything about one function."""

from grafana import links
from grafana.common import (
    COUNTERS,
    FUNCTION_CHOICE,
    JOB_PAGES,
    NO_METRICS,
    NOT_MEASURED,
    QUEUE_CHOICE,
    RATES,
    RATIO_STEPS,
    RAW,
    REDIS_COLUMN,
    rq_dashboard,
)
from grafana.layer.layout import row
from grafana.layer.stat import stat
from grafana.layer.table import Column, Label, table
from grafana.links import cell_to, to
from grafana.queries import cron, durations, jobs
from grafana.queries.promql import BY_QUEUE, FUNCTION, QUEUE
from grafana.shared_panels import (
    FAILED_JOBS,
    TO_FAILURES,
    errors,
    errors_by_exception,
    failed_jobs,
    failure_ratio,
    jobs_ended,
    run_time_heatmap,
    run_time_quantiles,
)

DASHBOARD = rq_dashboard(
    links.JOB_FUNCTION,
    "How often does this function run, for how long, and what goes wrong?",
    choices=[QUEUE_CHOICE, FUNCTION_CHOICE, JOB_PAGES, RAW, COUNTERS, RATES],
    rows=[
        row(
            4,
            stat(
                "Executions",
                "Executions of the function that ended in the time range.",
                jobs.count(QUEUE, FUNCTION),
                decimals=0,
                no_value=NO_METRICS,
            ),
            failed_jobs(QUEUE, FUNCTION, links=[TO_FAILURES]),
            failure_ratio(QUEUE, FUNCTION, links=[TO_FAILURES]),
            *(
                stat(
                    f"Run time {durations.percentile(q)}",
                    f"{100 * q:.0f} % of its executions in the time range ran for at most this long.",
                    durations.run(q, "", QUEUE, FUNCTION),
                    unit="s",
                    no_value=NO_METRICS,
                    links=[to(links.DURATIONS)],
                )
                for q in durations.QUANTILES
            ),
        ),
        row(8, jobs_ended(QUEUE, FUNCTION), errors_by_exception()),
        row(9, run_time_heatmap(), run_time_quantiles(QUEUE, FUNCTION)),
        row(8, errors("Errors", function_links=[FAILED_JOBS])),
        row(
            7,
            table(
                "Queues",
                "The queues in which the function ran in the time range.",
                [Label("queue", "Queue", links=[cell_to(links.QUEUE_DEPTH, "queue")]), REDIS_COLUMN],
                [
                    Column("Executions", jobs.count_by(BY_QUEUE, QUEUE, FUNCTION), decimals=0),
                    Column("Mean run", durations.run_mean(BY_QUEUE, QUEUE, FUNCTION), unit="s"),
                    Column(
                        "Failure ratio",
                        jobs.failure_ratio(QUEUE, FUNCTION, by=BY_QUEUE),
                        unit="percentunit",
                        decimals=1,
                        colours=RATIO_STEPS,
                    ),
                ],
                sort_by="Executions",
                no_value=NOT_MEASURED,
            ),
            table(
                "Cron jobs",
                "The cron jobs that run the function, and how late they are.",
                [Label("cron_job", "Cron job"), Label("schedule", "Schedule"), REDIS_COLUMN],
                [Column("Late by", cron.late_by(), unit="s")],
                sort_by="Late by",
                hide=["queue", "function"],
                no_value="No cron job runs it",
                links=[to(links.CRON)],
            ),
        ),
    ],
)
