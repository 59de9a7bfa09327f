"""Workers: who is there, what they do, and who was lost."""

from grafana import links
from grafana.common import ANY_IS_BAD, COUNT, JOB_PAGES, QUEUE_CHOICE, REDIS_COLUMN, rq_dashboard
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
    choices=[QUEUE_CHOICE, JOB_PAGES],
    rows=[
        row(
            4,
            stat(
                "Up",
                "Live workers that listen to any of the chosen queues.",
                workers.up(),
                colours=graded("red", (1, "green")),
                sparkline=True,
            ),
            stat(
                "Busy",
                "Live workers that run a job at this moment.",
                workers.in_state("busy"),
                sparkline=True,
                no_value="No live worker",
            ),
            stat(
                "Idle",
                "Live workers that wait for a job.",
                workers.in_state("idle"),
                sparkline=True,
                no_value="No live worker",
            ),
            stat(
                "Overdue heartbeats",
                "Workers that should have reported long ago, by their own settings: dead, frozen, or cut off "
                "from Redis. RQ soon forgets them, and then abandons their jobs.",
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
                "Which part of their time the queue's workers ran its jobs. Near 100 % while the queue "
                "grows: more workers help. A worker that listens to several queues counts as one of each.",
                [workers.utilisation()],
                unit="percentunit",
                maximum=1,
                limit=thresholds("transparent", (workers.SATURATED, "orange")),
                series_links=[ONLY_THIS_QUEUE],
            ),
            time_series(
                "Workers by state",
                "Live workers that listen to any of the chosen queues, by what they do.",
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
                "How many workers each queue has, and how many it needs to keep its wait objective: for the "
                "jobs that arrive now, and for the busiest five minutes of the last 24 hours. The backlog is "
                "left out: it takes more workers for a while. A worker of several queues counts for each.",
                [Label("queue", "Queue", links=[cell_to(links.QUEUE_DEPTH, "queue")]), REDIS_COLUMN],
                [
                    Column("Has", queues.workers(), unit=COUNT, decimals=0),
                    Column("Needs now", queues.workers_needed(), unit=COUNT, decimals=0),
                    Column("Needs at peak", queues.workers_needed_at_peak(), unit=COUNT, decimals=0),
                ],
                sort_by="Needs now",
                no_value="No queue",
            ),
            time_series(
                "Workers by version",
                "Live workers that listen to any of the chosen queues, by the version of the code that they "
                "report.",
                [workers.by_version()],
                stacked=True,
                no_value="No worker reports a version",
            ),
        ),
        row(
            9,
            state_timeline(
                "States",
                "One row a worker. A gap: it was not there.",
                workers.states(),
                states=STATES,
                no_value="No live worker",
            ),
        ),
        row(
            8,
            table(
                "Workers",
                "One row a live worker. Expires in: when RQ gives it up, unless it reports; a healthy "
                f"worker has always more than {workers.HEALTHY_EXPIRY} seconds. Succeeded, failed and "
                "utilisation are over the time range, by RQ's own counts, which end with the worker; "
                "utilisation counts a job when it ends.",
                [
                    Label("name", "Worker", links=[TO_WORKER]),
                    Label("queues", "Queues"),
                    REDIS_COLUMN,
                ],
                [
                    Column("State", workers.state_now(), mappings=STATES),
                    Column("Last heartbeat", workers.heartbeat_age(), unit="s"),
                    Column("Expires in", workers.forgotten_in(), unit="s", colours=EXPIRY_STEPS),
                    Column("Succeeded", workers.succeeded(), unit=COUNT, decimals=0),
                    Column("Failed", workers.failed(), unit=COUNT, decimals=0),
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
                "Run time so far of the job that has been running longest.",
                [workers.longest_running()],
                unit="s",
                soft_maximum=1,
                no_value="No job runs",
                series_links=[series_to(links.DURATIONS, "queue")],
            ),
            time_series(
                "Time since last heartbeat",
                "Time since each worker last reported. A line that climbs: the worker is dead or frozen.",
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
                "Workers that appeared or went, per step of the graph. Both at once, again and again: they "
                "crash.",
                [workers.appeared(), workers.gone()],
                bars=True,
                series_colours={"appeared": "green", "gone": "red"},
            ),
            died_and_abandoned(QUEUE, links=[to(links.FAILURES)]),
        ),
    ],
)
