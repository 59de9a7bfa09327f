"""Workers: how many live, what they do, and which were lost."""

from grafana import links
from grafana.common import ANY_IS_BAD, COUNTERS, JOB_PAGES, QUEUE_CHOICE, REDIS_COLUMN, rq_dashboard
from grafana.layer.fields import graded, thresholds, value_mapping
from grafana.layer.layout import Heading, row
from grafana.layer.stat import stat
from grafana.layer.state_timeline import state_timeline
from grafana.layer.table import Column, Label, table
from grafana.layer.time_series import time_series
from grafana.links import cell_to, row_to_page, series_to, to
from grafana.queries import queues, workers
from grafana.queries.promql import QUEUE
from grafana.shared_panels import abandoned_jobs, died_and_abandoned, running_jobs, work_horses_died

COLOURS = {"started": "purple", "idle": "blue", "busy": "green", "suspended": "orange"}
STATES = [
    value_mapping({number: (state, COLOURS[state]) for number, state in enumerate(workers.STATES, start=1)})
]
EXPIRY_STEPS = ((0, "red"), (workers.HEALTHY_EXPIRY, "transparent"))

TO_WORKER = row_to_page("Worker", "/workers", q="name")
ONLY_THIS_QUEUE = series_to(links.WORKERS, "queue")

DASHBOARD = rq_dashboard(
    links.WORKERS,
    "Are there enough workers, are they alive, and what are they doing?",
    choices=[QUEUE_CHOICE, JOB_PAGES, COUNTERS],
    rows=[
        row(
            4,
            stat(
                "Up",
                "Live workers that listen to any of the chosen queues.",
                workers.up(),
                colours=graded("red", (1, "green")),
            ),
            stat(
                "Busy",
                "Live workers that are running a job.",
                workers.in_state("busy"),
                no_value="No live worker",
            ),
            stat(
                "Idle",
                "Live workers that are waiting for a job.",
                workers.in_state("idle"),
                no_value="No live worker",
            ),
            stat(
                "Overdue heartbeats",
                "Workers whose heartbeat is overdue: dead, frozen, or cut off from Redis. RQ soon drops "
                "them and abandons their jobs.",
                workers.overdue_heartbeats(),
                colours=ANY_IS_BAD,
                no_value="No live worker",
            ),
            work_horses_died(QUEUE),
            abandoned_jobs(QUEUE),
        ),
        row(
            8,
            time_series(
                "Utilisation by queue",
                "Share of time that the queue's workers spent on its jobs. Near 100 % while the queue "
                "grows: add workers. A worker that listens to several queues counts for each.",
                [workers.utilisation()],
                unit="percentunit",
                maximum=1,
                limit=thresholds("transparent", (workers.SATURATED, "orange")),
                series_links=[ONLY_THIS_QUEUE],
            ),
            time_series(
                "Workers by state",
                "Live workers of the chosen queues, by state.",
                [workers.by_state()],
                stacked=True,
                series_colours=COLOURS,
            ),
            time_series(
                "Workers by queue",
                "Live workers that listen to the queue.",
                [workers.by_queue()],
                series_links=[series_to(links.QUEUE_DEPTH, "queue")],
            ),
        ),
        row(
            6,
            table(
                "Workers needed",
                "Workers that each queue has, and that it needs to keep its wait objective: now, and at "
                "the busiest five minutes of the last 24 hours. An existing backlog needs more for a "
                "while. A worker of several queues counts for each.",
                [Label("queue", "Queue", links=[cell_to(links.QUEUE_DEPTH, "queue")]), REDIS_COLUMN],
                [
                    Column("Has", queues.workers(), decimals=0),
                    Column("Needs now", queues.workers_needed(), decimals=0),
                    Column("Needs at peak", queues.workers_needed_at_peak(), decimals=0),
                ],
                sort_by="Needs now",
                no_value="No queue",
            ),
            time_series(
                "Workers by version",
                "Live workers of the chosen queues, by the version of the code that they report.",
                [workers.by_version()],
                stacked=True,
                no_value="No worker reports a version",
            ),
        ),
        row(
            9,
            state_timeline(
                "States",
                "The state of each worker over time. A gap: the worker was not running.",
                workers.states(),
                states=STATES,
                no_value="No live worker",
            ),
        ),
        row(
            8,
            table(
                "Workers",
                "One row per live worker. Expires in: when RQ drops it unless it sends a heartbeat; more "
                f"than {workers.HEALTHY_EXPIRY} seconds is healthy. Succeeded, failed and utilisation "
                "cover the time range and jobs that ended; RQ's counts end with the worker.",
                [
                    Label("name", "Worker", links=[TO_WORKER]),
                    Label("queues", "Queues"),
                    REDIS_COLUMN,
                ],
                [
                    Column("State", workers.state_now(), mappings=STATES),
                    Column("Last heartbeat", workers.heartbeat_age(), unit="s"),
                    Column("Expires in", workers.forgotten_in(), unit="s", colours=EXPIRY_STEPS),
                    Column("Succeeded", workers.succeeded(), decimals=0),
                    Column("Failed", workers.failed(), decimals=0),
                    Column("Utilisation", workers.working_share(), unit="percentunit", decimals=0),
                ],
                sort_by="Expires in",
                descending=False,
                no_value="No live worker",
            ),
        ),
        row(7, running_jobs(links=[cell_to(links.DURATIONS, "queue")])),
        row(
            7,
            time_series(
                "Longest running job by queue",
                "Run time of the job that has been running longest. A job that hangs climbs to its timeout.",
                [workers.longest_running()],
                unit="s",
                soft_maximum=1,
                no_value="No job runs",
                series_links=[series_to(links.DURATIONS, "queue")],
            ),
            time_series(
                "Time since last heartbeat",
                "Time since each worker's last heartbeat. A line that climbs: the worker is dead or frozen.",
                [workers.heartbeat_age()],
                unit="s",
                soft_maximum=1,
                legend="none",
            ),
        ),
        Heading("Restarts and crashes"),
        row(
            7,
            time_series(
                "Restarts",
                "Workers that started or went away, per step of the graph. If both repeat, workers "
                "are crashing.",
                [workers.appeared(), workers.gone()],
                bars=True,
                series_colours={"appeared": "green", "gone": "red"},
            ),
            died_and_abandoned(QUEUE, links=[to(links.FAILURES)]),
        ),
    ],
)
