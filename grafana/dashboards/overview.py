"""Overview: the home page."""

from grafana import links
from grafana.house import (
    ANY_IS_BAD,
    NO_METRICS,
    NOT_MEASURED,
    NOTHING_FAILED,
    OUTCOME_COLOURS,
    QUEUE_CHOICE,
    RATIO_COLOURS,
    SHARE_OF_LIMIT,
    rq_dashboard,
)
from grafana.layer.fields import range_mapping, thresholds
from grafana.layer.layout import row
from grafana.layer.panels import bar_gauge, stat, time_series
from grafana.layer.tables import Column, Label, table
from grafana.links import dashboard_link, detail_link
from grafana.queries import alerts, cron, durations, jobs, objectives, queues, workers
from grafana.queries.promql import QUEUE

WAIT_COLOURS = thresholds("green", (60, "yellow"), (600, "red"))
"""Seconds: a minute is too long for short jobs, ten minutes for any."""

DASHBOARD = rq_dashboard(
    links.OVERVIEW,
    "Overview",
    "Is everything fine? If not: which queue, and which dashboard says more?",
    choices=[QUEUE_CHOICE],
    rows=[
        row(
            4,
            stat(
                "Throughput",
                "Executions that ended, a minute. Success or not: see the failure ratio beside it.",
                jobs.per_minute_in_all(QUEUE),
                unit="suffix:/min",
                decimals=1,
                sparkline=True,
                no_value=NO_METRICS,
                links=[dashboard_link("Durations", links.DURATIONS)],
            ),
            stat(
                "Failure ratio",
                "Of the jobs that ended in the chosen time, how many failed for good: retried ones have not "
                "ended.",
                jobs.failure_ratio(QUEUE),
                unit="percentunit",
                decimals=1,
                colours=RATIO_COLOURS,
                no_value=NO_METRICS,
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
            stat(
                "Oldest wait",
                "Age of the job that has waited longest in any of the queues.",
                queues.oldest_age_of_all(),
                unit="s",
                colours=WAIT_COLOURS,
                sparkline=True,
                links=[dashboard_link("Queue depth", links.QUEUE_DEPTH)],
            ),
            stat(
                "Busy workers",
                "Share of the live workers that run a job at this moment. Near 100 % with a growing queue: "
                "add workers.",
                workers.busy_share(),
                unit="percentunit",
                decimals=0,
                colours=thresholds("green", (0.9, "orange")),
                sparkline=True,
                no_value="No live worker",
                links=[dashboard_link("Workers", links.WORKERS)],
            ),
            stat(
                "Firing alerts",
                "Alerts that fire now, the always firing Watchdog left out. They are listed below.",
                alerts.firing_alerts(alerts.OF_QUEUE),
                colours=ANY_IS_BAD,
                links=[dashboard_link("Stack health", links.STACK_HEALTH)],
            ),
            stat(
                "Cron jobs late",
                "Cron jobs whose next tick has been due for more than a minute. 0 is on time.",
                cron.late_jobs([QUEUE]),
                colours=ANY_IS_BAD,
                no_value="No cron job",
                links=[dashboard_link("Cron", links.CRON)],
            ),
        ),
        row(
            8,
            time_series(
                "Queue depth",
                "Jobs that wait, by queue. A slope that does not come down again: work arrives faster than "
                "it ends.",
                [queues.depth()],
                stacked=True,
                links=[dashboard_link("Queue depth", links.QUEUE_DEPTH)],
                series_links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.SERIES_QUEUE)],
            ),
            time_series(
                "Jobs ended",
                "Executions that ended, a minute, by outcome.",
                [jobs.per_minute("outcome", QUEUE)],
                unit="suffix:/min",
                stacked=True,
                series_colours=OUTCOME_COLOURS,
                no_value=NOT_MEASURED,
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
        ),
        row(
            8,
            table(
                "Queues",
                "One row a queue. Queued, oldest job and workers are as of now; of objective: the oldest "
                "job's age as a share of the time in which the queue's jobs have to start; p95 and failure "
                "ratio are over the chosen time. Time to drain: what waits now, at the rate at which jobs "
                "ended in the last five minutes, if nothing more came; about as long as a job that is "
                "enqueued now has to wait.",
                [
                    Label(
                        "queue",
                        "Queue",
                        links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.CELL_QUEUE)],
                    )
                ],
                [
                    Column(
                        "Queued",
                        queues.depth(),
                        links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.CELL_QUEUE)],
                    ),
                    Column("Oldest job", queues.oldest_age(), unit="s"),
                    Column(
                        "Of objective",
                        objectives.age_of_wait_objective(),
                        unit="percentunit",
                        decimals=0,
                        colours=SHARE_OF_LIMIT,
                    ),
                    Column(
                        "Workers",
                        queues.workers(),
                        colours=thresholds("red", (1, "green")),
                        links=[detail_link("Workers", links.WORKERS, queue=links.CELL_QUEUE)],
                    ),
                    Column("p95 wait", durations.wait(0.95, "queue"), unit="s"),
                    Column(
                        "p95 run",
                        durations.run(0.95, "queue", QUEUE),
                        unit="s",
                        links=[detail_link("Durations", links.DURATIONS, queue=links.CELL_QUEUE)],
                    ),
                    Column(
                        "Failure ratio",
                        jobs.failure_ratio_by("queue", QUEUE),
                        unit="percentunit",
                        decimals=1,
                        colours=RATIO_COLOURS,
                        links=[detail_link("Failures", links.FAILURES, queue=links.CELL_QUEUE)],
                    ),
                    Column(
                        "Time to drain",
                        queues.time_to_drain(),
                        unit="s",
                        mappings=[range_mapping(queues.ENDLESS, None, "does not drain", "red")],
                    ),
                ],
                sort_by="Of objective",
            ),
        ),
        row(
            8,
            table(
                "Objectives",
                "What each queue promises, and the share of jobs in the chosen time that kept it: ended "
                "without an error, started in time, ended in time. Budget left: of what may go wrong, what "
                "has not; below zero the promise is broken.",
                [
                    Label(
                        "queue",
                        "Queue",
                        links=[detail_link("Durations", links.DURATIONS, queue=links.CELL_QUEUE)],
                    ),
                    Label("objective", "Objective"),
                ],
                [
                    Column("Promised", objectives.promised(), unit="percentunit", decimals=1),
                    Column("Kept", objectives.kept(), unit="percentunit", decimals=1),
                    Column(
                        "Budget left",
                        objectives.budget_left(),
                        unit="percentunit",
                        decimals=0,
                        colours=thresholds("red", (0, "yellow"), (0.5, "green")),
                    ),
                ],
                sort_by="Budget left",
                descending=False,
                no_value="No objectives",
            ),
            bar_gauge(
                "Top failing functions",
                "The functions whose jobs failed most often for good in the chosen time. A click leads to "
                "the function.",
                jobs.top_failing_functions(),
                colours=thresholds("red"),
                no_value=NOTHING_FAILED,
                links=[dashboard_link("Failures", links.FAILURES)],
                series_links=[
                    detail_link("Job function", links.JOB_FUNCTION, function=links.SERIES_FUNCTION)
                ],
            ),
            table(
                "What fires",
                "Alerts that fire now. Each alert's message in Alertmanager has its runbook.",
                [
                    Label("alertname", "Alert"),
                    Label("severity", "Severity"),
                    Label(
                        "queue",
                        "Queue",
                        links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.CELL_QUEUE)],
                    ),
                ],
                [Column("Since", alerts.firing_since(alerts.OF_QUEUE), unit="dateTimeFromNow")],
                sort_by="Since",
                no_value="No alert fires",
            ),
            widths=(10, 7, 7),
        ),
    ],
)
