"""Durations: how long jobs run, and how long they wait in the queue first."""

from grafana import links
from grafana.common import (
    A_MINUTE,
    COUNTERS,
    FUNCTION_CHOICE,
    JOB_PAGES,
    JOBS_A_SECOND,
    NO_METRICS,
    NOT_MEASURED,
    QUEUE_CHOICE,
    RATES,
    RAW,
    REDIS_COLUMN,
    rq_dashboard,
)
from grafana.layer.fields import thresholds
from grafana.layer.heatmap import heatmap
from grafana.layer.layout import Heading, row
from grafana.layer.stat import stat
from grafana.layer.table import Column, Label, table
from grafana.layer.time_series import time_series
from grafana.links import cell_to, row_to_page, series_to, to
from grafana.queries import durations, jobs, workers
from grafana.queries.promql import BY_FUNCTION, FUNCTION, QUEUE
from grafana.shared_panels import not_counting, run_time_heatmap, run_time_quantiles, running_jobs

NEAR_TIMEOUT = 0.8

JOBS_OF_FUNCTION = row_to_page("Its jobs in this queue", "/queue", name="queue", function="function")

DASHBOARD = rq_dashboard(
    links.DURATIONS,
    "How long do jobs run and wait, which are slow, and since when?",
    choices=[QUEUE_CHOICE, FUNCTION_CHOICE, JOB_PAGES, RAW, COUNTERS, RATES],
    rows=[
        row(
            4,
            *(
                stat(
                    f"Run time {durations.percentile(q)}",
                    f"{100 * q:.0f} % of the executions that ended in the time range ran for at most this "
                    "long.",
                    durations.run(q, "", QUEUE, FUNCTION),
                    unit="s",
                    no_value=NO_METRICS,
                )
                for q in durations.QUANTILES
            ),
            *(
                stat(
                    f"Wait {durations.percentile(q)}",
                    f"{100 * q:.0f} % of the jobs that ended in the time range waited in the queue for at "
                    "most this long. Covers all functions of the queues.",
                    durations.wait(q),
                    unit="s",
                    no_value=NO_METRICS,
                )
                for q in durations.QUANTILES
            ),
        ),
        row(9, run_time_heatmap(), run_time_quantiles(QUEUE, FUNCTION)),
        row(
            8,
            time_series(
                "Run time p95 by queue",
                "95 % of the queue's executions ran for at most this long.",
                [durations.run_by_queue_over_time(0.95, QUEUE, FUNCTION)],
                unit="s",
                scale="log",
                no_value=NOT_MEASURED,
                series_links=[series_to(links.DURATIONS, "queue")],
            ),
            time_series(
                "Run time p95 by function",
                "95 % of the function's executions ran for at most this long, in all of the chosen queues.",
                [durations.run_by_function_over_time(0.95, QUEUE, FUNCTION)],
                unit="s",
                scale="log",
                no_value=NOT_MEASURED,
                series_links=[series_to(links.JOB_FUNCTION, "function")],
            ),
        ),
        row(
            9,
            table(
                "Slowest functions",
                "Run times in the time range, one row per function and queue. Share of work: the part of "
                "all run time that the function used. Optimise the largest first.",
                [
                    Label("function", "Function", links=[cell_to(links.JOB_FUNCTION, "queue", "function")]),
                    Label("queue", "Queue", width=130, links=[JOBS_OF_FUNCTION]),
                    REDIS_COLUMN,
                ],
                [
                    Column("Executions", jobs.count_by(BY_FUNCTION, QUEUE, FUNCTION), decimals=0),
                    *(
                        Column(
                            durations.percentile(q),
                            durations.run_by_function(q, QUEUE, FUNCTION),
                            unit="s",
                        )
                        for q in durations.QUANTILES
                    ),
                    Column(
                        "Share of work",
                        durations.share_of_work(BY_FUNCTION),
                        unit="percentunit",
                        decimals=0,
                    ),
                ],
                sort_by="p95",
                no_value=NOT_MEASURED,
            ),
            not_counting(),
            widths=(18, 6),
        ),
        Heading("Timeouts"),
        row(
            8,
            time_series(
                "Timed out by function",
                "Executions per minute that were killed because they exceeded their timeout.",
                [jobs.exception_by_function(jobs.TIMED_OUT, QUEUE, FUNCTION)],
                unit=A_MINUTE,
                stacked=True,
                bars=True,
                no_value="No timeouts, or not measured",
                links=[to(links.FAILURES)],
                series_links=[series_to(links.JOB_FUNCTION, "function")],
            ),
            time_series(
                "Timeout used by queue",
                "Run time of the job closest to its timeout, in percent of that timeout; all functions. At "
                "100 % the worker kills the job, and it fails.",
                [workers.nearest_to_timeout()],
                unit="percentunit",
                limit=thresholds("transparent", (NEAR_TIMEOUT, "orange")),
                no_value="No job with a timeout runs",
                series_links=[series_to(links.WORKERS, "queue")],
            ),
        ),
        row(7, running_jobs(links=[cell_to(links.WORKERS, "queue")])),
        Heading("Waiting"),
        row(
            8,
            time_series(
                "Wait p95 by queue",
                "95 % of the queue's jobs waited for at most this long before they started. Covers all "
                "functions.",
                [durations.wait_over_time(0.95)],
                unit="s",
                scale="log",
                no_value=NOT_MEASURED,
                links=[to(links.QUEUE_DEPTH)],
                series_links=[series_to(links.QUEUE_DEPTH, "queue")],
            ),
            time_series(
                "Wait and run time",
                "Median wait and median run time. If jobs wait longer than they run, add workers: they are "
                "the bottleneck.",
                durations.wait_against_run(QUEUE, FUNCTION),
                unit="s",
                scale="log",
                series_colours={"wait": "orange", "run": "blue"},
                no_value=NOT_MEASURED,
                links=[to(links.WORKERS)],
            ),
            heatmap(
                "Wait times",
                "Jobs ended per second, by how long they waited before they started. Covers all functions.",
                durations.wait_histogram(),
                unit="s",
                cell_unit=JOBS_A_SECOND,
                no_value=NOT_MEASURED,
                links=[to(links.QUEUE_DEPTH)],
            ),
        ),
    ],
)
