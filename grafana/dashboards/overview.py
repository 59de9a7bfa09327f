"""Overview: the home page."""

from grafana import links
from grafana.common import (
    A_MINUTE,
    ANY_IS_BAD,
    COUNTERS,
    JOB_PAGES,
    NO_METRICS,
    NOTHING_FAILED,
    QUEUE_CHOICE,
    RATES,
    RATIO_STEPS,
    REDIS_COLUMN,
    SHARE_OF_LIMIT_STEPS,
    rq_dashboard,
)
from grafana.layer.bar_gauge import bar_gauge
from grafana.layer.fields import graded, range_mapping, thresholds
from grafana.layer.layout import row
from grafana.layer.stat import stat
from grafana.layer.table import Column, Label, table
from grafana.layer.time_series import time_series
from grafana.links import cell_to, row_to_page, series_to, to
from grafana.queries import alerts, cron, durations, jobs, objectives, queues, workers
from grafana.queries.promql import BY_QUEUE, QUEUE
from grafana.shared_panels import failure_ratio, jobs_ended, oldest_wait

DASHBOARD = rq_dashboard(
    links.OVERVIEW,
    "Is everything fine? If not: which queue, and which dashboard says more?",
    choices=[QUEUE_CHOICE, JOB_PAGES, COUNTERS, RATES],
    rows=[
        row(
            4,
            stat(
                "Throughput",
                "Executions per minute, with any outcome. While uninstrumented workers run, these are "
                "RQ's own counts.",
                jobs.throughput(QUEUE),
                unit=A_MINUTE,
                decimals=1,
                no_value=NO_METRICS,
                links=[to(links.DURATIONS)],
            ),
            failure_ratio(QUEUE, links=[to(links.FAILURES)]),
            oldest_wait(links=[to(links.QUEUE_DEPTH)]),
            stat(
                "Busy workers",
                "Share of the live workers that are running a job. Near 100 % with a growing queue: add "
                "workers.",
                workers.busy_share(),
                unit="percentunit",
                decimals=0,
                colours=graded("green", (workers.SATURATED, "orange")),
                no_value="No live worker",
                links=[to(links.WORKERS)],
            ),
            stat(
                "Firing alerts",
                "Alerts that fire now, listed below. The Watchdog, which always fires, is not counted.",
                alerts.firing_alerts(alerts.OF_QUEUE),
                colours=ANY_IS_BAD,
                links=[to(links.STACK_HEALTH)],
            ),
            stat(
                "Cron jobs late",
                "Cron jobs whose tick is more than a minute late. 0 is on time.",
                cron.late_jobs([QUEUE]),
                colours=ANY_IS_BAD,
                no_value="No cron job",
                links=[to(links.CRON)],
            ),
        ),
        row(
            8,
            time_series(
                "Queue depth",
                "Waiting jobs by queue. A line that keeps climbing: jobs arrive faster than they end.",
                [queues.depth()],
                stacked=True,
                links=[to(links.QUEUE_DEPTH)],
                series_links=[series_to(links.QUEUE_DEPTH, "queue")],
            ),
            jobs_ended(QUEUE),
            bar_gauge(
                "Top failing functions",
                "The functions with the most jobs that failed for good in the time range. Click one to see "
                "its runs and errors.",
                jobs.top_failing_functions(),
                decimals=0,
                colours=thresholds("red"),
                no_value=NOTHING_FAILED,
                links=[to(links.FAILURES)],
                series_links=[series_to(links.JOB_FUNCTION, "function")],
            ),
            widths=(9, 9, 6),
        ),
        row(
            7,
            table(
                "Queues",
                "Each queue now; wait, run time and failure ratio over the time range. % of SLO: age of "
                "the oldest job, in percent of the time within which jobs must start. Uninstrumented: "
                "plain RQ workers, whose jobs p95 does not include. Time to drain: the backlog at the rate "
                "of the last five minutes.",
                [Label("queue", "Queue", links=[cell_to(links.QUEUE_DEPTH, "queue")]), REDIS_COLUMN],
                [
                    Column("Queued", queues.depth(), links=[row_to_page("Its jobs", "/queue", name="queue")]),
                    Column("Oldest job", queues.oldest_age(), unit="s"),
                    Column(
                        "% of SLO",
                        objectives.age_of_wait_objective(),
                        unit="percentunit",
                        decimals=0,
                        colours=SHARE_OF_LIMIT_STEPS,
                    ),
                    Column(
                        "Workers",
                        queues.workers(),
                        colours=[(0, "red"), (1, "transparent")],
                        links=[cell_to(links.WORKERS, "queue")],
                    ),
                    Column("Uninstrumented", workers.not_counting(), colours=[(1, "orange")]),
                    Column("p95 wait", durations.wait_by_queue(0.95), unit="s"),
                    Column(
                        "p95 run",
                        durations.run(0.95, BY_QUEUE, QUEUE),
                        unit="s",
                        links=[cell_to(links.DURATIONS, "queue")],
                    ),
                    Column(
                        "Failure ratio",
                        jobs.failure_ratio(QUEUE, by=BY_QUEUE),
                        unit="percentunit",
                        decimals=1,
                        colours=RATIO_STEPS,
                        links=[cell_to(links.FAILURES, "queue")],
                    ),
                    Column(
                        "Time to drain",
                        queues.time_to_drain(),
                        unit="s",
                        colours=[(queues.ENDLESS, "red")],
                        mappings=[range_mapping(queues.ENDLESS, None, "does not drain", "red")],
                    ),
                ],
                sort_by="% of SLO",
            ),
        ),
        row(
            8,
            table(
                "SLOs",
                "The share of jobs that must succeed, start in time and end in time, and the share in the "
                "time range that did. Error budget: the part of the allowed failures that is left.",
                [
                    Label("queue", "Queue", links=[cell_to(links.DURATIONS, "queue")]),
                    Label("objective", "SLO", width=90),
                    REDIS_COLUMN,
                ],
                [
                    Column("Target", objectives.promised(), unit="percentunit", decimals=1),
                    Column("Actual", objectives.kept(), unit="percentunit", decimals=1),
                    Column(
                        "Error budget",
                        objectives.budget_left(),
                        unit="percentunit",
                        decimals=0,
                        colours=[(-objectives.FAR_BEYOND, "red"), (0, "yellow"), (0.5, "transparent")],
                        mappings=[range_mapping(None, 0, "spent", "red")],
                    ),
                ],
                sort_by="Error budget",
                descending=False,
                no_value="No SLO is set",
            ),
            table(
                "Active alerts",
                "Alerts that fire now. Click one for its runbook: what it means and what to do.",
                [
                    Label(
                        "alertname",
                        "Alert",
                        width=195,
                        links=[row_to_page("Runbook", "/runbooks/{alertname}")],
                    ),
                    Label("severity", "Severity", width=82),
                    Label("queue", "Queue", links=[cell_to(links.QUEUE_DEPTH, "queue")]),
                    REDIS_COLUMN,
                ],
                [Column("Since", alerts.firing_since(alerts.OF_QUEUE), unit="dateTimeFromNow")],
                sort_by="Since",
                no_value="No alert fires",
            ),
        ),
    ],
)
