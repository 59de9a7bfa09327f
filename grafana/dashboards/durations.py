"""Durations: run time, and the time in the queue before it."""

from grafana import links
from grafana.house import FUNCTION_CHOICE, NO_METRICS, NOT_MEASURED, QUEUE_CHOICE, rq_dashboard
from grafana.layer.layout import Heading, row
from grafana.layer.panels import heatmap, stat, time_series
from grafana.layer.tables import Column, Label, table
from grafana.links import dashboard_link, detail_link
from grafana.queries import durations, jobs
from grafana.queries.promql import FUNCTION, QUEUE

TO_FUNCTION = detail_link(
    "Job function", links.JOB_FUNCTION, queue=links.CELL_QUEUE, function=links.CELL_FUNCTION
)

DASHBOARD = rq_dashboard(
    links.DURATIONS,
    "Durations",
    "How long do jobs run and wait, which are slow, and since when?",
    choices=[QUEUE_CHOICE, FUNCTION_CHOICE],
    rows=[
        row(
            4,
            *(
                stat(
                    f"Run time {durations.percentile(q)}",
                    f"{q:.0%} of the executions that ended in the chosen time ran for at most this long.",
                    durations.run(q, "", QUEUE, FUNCTION),
                    unit="s",
                    no_value=NO_METRICS,
                )
                for q in durations.QUANTILES
            ),
            *(
                stat(
                    f"Wait {durations.percentile(q)}",
                    ".0%long. All functions of the queues: waiting has nothing to do with the function.",
                    durations.wait(q, ""),
                    unit="s",
                    no_value=NO_METRICS,
                )
                for q in durations.QUANTILES
            ),
        ),
        row(
            9,
            heatmap(
                "Run times",
                "Jobs ended a second, by run time. A dot is one job: a click leads to it, with its arguments "
                "and traceback, in rq-dashboard, where that runs.",
                durations.run_histogram(),
                unit="s",
                cell_unit="cps",
                no_value=NOT_MEASURED,
            ),
            time_series(
                "Run time",
                "Half, 95 % and 99 % of the executions ran for at most this long.",
                durations.run_quantiles_over_time(QUEUE, FUNCTION),
                unit="s",
                no_value=NOT_MEASURED,
            ),
        ),
        row(
            8,
            time_series(
                "Run time p95 by queue",
                "95 % of the queue's executions ran for at most this long.",
                [durations.run_over_time(0.95, "queue", QUEUE, FUNCTION)],
                unit="s",
                no_value=NOT_MEASURED,
                series_links=[
                    detail_link("Durations of the queue", links.DURATIONS, queue=links.SERIES_QUEUE)
                ],
            ),
            time_series(
                "Run time p95 by function",
                "95 % of the function's executions ran for at most this long.",
                [durations.run_over_time(0.95, "function", QUEUE, FUNCTION)],
                unit="s",
                no_value=NOT_MEASURED,
                series_links=[
                    detail_link("Job function", links.JOB_FUNCTION, function=links.SERIES_FUNCTION)
                ],
            ),
        ),
        row(
            10,
            table(
                "Functions",
                "One row a function and queue, over the chosen time. Share of work: which part of all the "
                "time that jobs ran for went into it; what to make faster, or to move to a queue of its own.",
                [Label("function", "Function", links=[TO_FUNCTION]), Label("queue", "Queue")],
                [
                    Column("Executions", jobs.count_by("queue, function", QUEUE, FUNCTION), decimals=0),
                    Column("p50", durations.run(0.5, "queue, function", QUEUE, FUNCTION), unit="s"),
                    Column("p95", durations.run(0.95, "queue, function", QUEUE, FUNCTION), unit="s"),
                    Column("p99", durations.run(0.99, "queue, function", QUEUE, FUNCTION), unit="s"),
                    Column(
                        "Share of work",
                        durations.share_of_work("queue, function"),
                        unit="percentunit",
                        decimals=0,
                    ),
                ],
                sort_by="p95",
                no_value=NOT_MEASURED,
            ),
        ),
        Heading("Waiting"),
        row(
            8,
            time_series(
                "Wait p95 by queue",
                "95 % of the queue's jobs had waited for at most this long when they started. All functions.",
                [durations.wait_over_time(0.95)],
                unit="s",
                no_value=NOT_MEASURED,
                links=[dashboard_link("Queue depth", links.QUEUE_DEPTH)],
                series_links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.SERIES_QUEUE)],
            ),
            time_series(
                "Waiting against running",
                "The median time in the queue against the median run time. Waiting above running: workers "
                "are the bottleneck, not the jobs.",
                durations.wait_against_run(QUEUE, FUNCTION),
                unit="s",
                series_colours={"wait": "orange", "run": "blue"},
                no_value=NOT_MEASURED,
                links=[dashboard_link("Workers", links.WORKERS)],
            ),
        ),
    ],
)
