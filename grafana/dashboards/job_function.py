"""Job function: everything about one function, for whoever came from another dashboard."""

from grafana import links
from grafana.house import (
    ANY_IS_BAD,
    FUNCTION_CHOICE,
    NO_METRICS,
    NOT_MEASURED,
    NOTHING_FAILED,
    OUTCOME_COLOURS,
    QUEUE_CHOICE,
    RATIO_COLOURS,
    rq_dashboard,
)
from grafana.layer.fields import thresholds
from grafana.layer.layout import row
from grafana.layer.panels import heatmap, stat, time_series
from grafana.layer.tables import Column, Label, table
from grafana.links import dashboard_link, detail_link
from grafana.queries import cron, durations, jobs
from grafana.queries.promql import FUNCTION, QUEUE

DASHBOARD = rq_dashboard(
    links.JOB_FUNCTION,
    "Job function",
    "How is this function doing: how often, how long, how well, and what goes wrong?",
    choices=[QUEUE_CHOICE, FUNCTION_CHOICE],
    rows=[
        row(
            4,
            stat(
                "Executions",
                "Executions of the function that ended in the chosen time.",
                jobs.count(QUEUE, FUNCTION),
                decimals=0,
                no_value=NO_METRICS,
            ),
            stat(
                "Failed",
                "Jobs of the function that failed for good in the chosen time.",
                jobs.count(QUEUE, FUNCTION, jobs.FAILED),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_METRICS,
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
            stat(
                "Failure ratio",
                "Of its jobs that ended in the chosen time, how many failed for good.",
                jobs.failure_ratio(QUEUE, FUNCTION),
                unit="percentunit",
                decimals=1,
                colours=RATIO_COLOURS,
                no_value=NO_METRICS,
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
            *(
                stat(
                    f"Run time {durations.percentile(q)}",
                    f"{q:.0%} of its executions in the chosen time ran for at most this long.",
                    durations.run(q, "", QUEUE, FUNCTION),
                    unit="s",
                    no_value=NO_METRICS,
                    links=[dashboard_link("Durations", links.DURATIONS)],
                )
                for q in durations.QUANTILES
            ),
        ),
        row(
            8,
            time_series(
                "Ended by outcome",
                "Executions that ended, a minute, by outcome.",
                [jobs.per_minute("outcome", QUEUE, FUNCTION)],
                unit="suffix:/min",
                stacked=True,
                series_colours=OUTCOME_COLOURS,
                no_value=NOT_MEASURED,
            ),
            time_series(
                "Errors by exception",
                "Executions that ended with an error, a minute, retried ones included, by exception.",
                [jobs.exceptions_per_minute()],
                unit="suffix:/min",
                stacked=True,
                no_value=NOTHING_FAILED,
                links=[dashboard_link("Failures", links.FAILURES)],
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
                links=[dashboard_link("Durations", links.DURATIONS)],
            ),
            time_series(
                "Run time",
                "Half, 95 % and 99 % of its executions ran for at most this long.",
                durations.run_quantiles_over_time(QUEUE, FUNCTION),
                unit="s",
                no_value=NOT_MEASURED,
            ),
        ),
        row(
            8,
            table(
                "Errors",
                "Executions that ended with an error in the chosen time, retried ones included. First and "
                "last: when the error was seen in the chosen time, to half a minute.",
                [Label("exception", "Exception"), Label("function", "Function"), Label("queue", "Queue")],
                [
                    Column("Errors", jobs.errors(), decimals=0, colours=thresholds("red")),
                    Column("First", jobs.first_error(), unit="dateTimeFromNow"),
                    Column("Last", jobs.last_error(), unit="dateTimeFromNow"),
                ],
                sort_by="Errors",
                no_value=NOTHING_FAILED,
            ),
            table(
                "Queues",
                "The queues that it ran in, in the chosen time.",
                [
                    Label(
                        "queue",
                        "Queue",
                        links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.CELL_QUEUE)],
                    )
                ],
                [
                    Column("Executions", jobs.count_by("queue", QUEUE, FUNCTION), decimals=0),
                    Column("Mean run", durations.run_mean("queue", QUEUE, FUNCTION), unit="s"),
                    Column(
                        "Failure ratio",
                        jobs.failure_ratio_by("queue", QUEUE, FUNCTION),
                        unit="percentunit",
                        decimals=1,
                        colours=RATIO_COLOURS,
                    ),
                ],
                sort_by="Executions",
                no_value=NOT_MEASURED,
            ),
            table(
                "Cron jobs",
                "The cron jobs that run it.",
                [
                    Label("cron_job", "Cron job"),
                    Label("schedule", "Schedule"),
                ],
                [Column("Late by", cron.late_by(), unit="s")],
                sort_by="Late by",
                hide=["queue", "function"],
                no_value="No cron job runs it",
                links=[dashboard_link("Cron", links.CRON)],
            ),
            widths=(10, 8, 6),
        ),
    ],
)
