"""Workers: who is there, what they do, and who was lost."""

from grafana import links
from grafana.house import ANY_IS_BAD, NO_METRICS, QUEUE_CHOICE, SHARE_OF_LIMIT, rq_dashboard
from grafana.layer.fields import thresholds, value_mapping
from grafana.layer.layout import Heading, row
from grafana.layer.panels import stat, state_timeline, time_series
from grafana.layer.tables import Column, Label, table
from grafana.links import dashboard_link, detail_link
from grafana.queries import jobs, objectives, workers
from grafana.queries.promql import QUEUE
from scheduler import catalogue

COLOURS = {"started": "purple", "idle": "blue", "busy": "green", "suspended": "orange"}
STATES = [
    value_mapping({number: (state, COLOURS[state]) for number, state in enumerate(workers.STATES, start=1)})
]
EXPIRY = thresholds("red", (workers.HEALTHY_EXPIRY, "green"))

ONLY_THIS_QUEUE = detail_link("Only this queue", links.WORKERS, queue=links.SERIES_QUEUE)

DASHBOARD = rq_dashboard(
    links.WORKERS,
    "Workers",
    "Are there enough workers, are they alive, and what are they doing?",
    choices=[QUEUE_CHOICE],
    rows=[
        row(
            4,
            stat(
                "Up",
                "Live workers that listen to any of the chosen queues.",
                workers.up(),
                colours=thresholds("red", (1, "green")),
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
                "Silent too long",
                "Workers that should have reported long ago, by their own settings: dead, frozen, or cut off "
                "from Redis. RQ soon forgets them, and then abandons their jobs.",
                workers.overdue_heartbeats(),
                colours=ANY_IS_BAD,
                no_value="No live worker",
            ),
            stat(
                "Killed work horses",
                "Work horses that ended without a word in the chosen time: killed by the kernel for want of "
                "memory, by a signal, or crashed.",
                jobs.exception_count(catalogue.WORK_HORSE_KILLED, QUEUE),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_METRICS,
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
            stat(
                "Abandoned jobs",
                "Jobs whose worker died with them in the chosen time; found when their heartbeat expired.",
                jobs.count(QUEUE, jobs.ABANDONED),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_METRICS,
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
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
                limit=thresholds("transparent", (0.9, "orange")),
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
                series_links=[detail_link("Queue depth", links.QUEUE_DEPTH, queue=links.SERIES_QUEUE)],
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
            9,
            table(
                "Workers",
                "One row a live worker. Forgotten in: when RQ gives it up, unless it reports; a healthy "
                "worker has always more than 30 seconds. Succeeded, failed and working are over the chosen "
                "time, by RQ's own counts, and gone with the worker; working counts a job when it ends.",
                [Label("name", "Worker"), Label("queues", "Queues")],
                [
                    Column("State", workers.state_now(), mappings=STATES),
                    Column("Silent for", workers.heartbeat_age(), unit="s"),
                    Column("Forgotten in", workers.forgotten_in(), unit="s", colours=EXPIRY),
                    Column("Succeeded", workers.succeeded(), decimals=0),
                    Column("Failed", workers.failed(), decimals=0),
                    Column("Working", workers.working_share(), unit="percentunit", decimals=0),
                ],
                sort_by="Forgotten in",
                descending=False,
                no_value="No live worker",
            ),
            table(
                "Running jobs",
                "One row a job that runs now. Of objective: as a share of the time in which jobs of the "
                "queue have to end. Which job it is: rq-dashboard, or `rq info`.",
                [
                    Label("name", "Worker"),
                    Label(
                        "queue",
                        "Queue",
                        links=[detail_link("Durations", links.DURATIONS, queue=links.CELL_QUEUE)],
                    ),
                ],
                [
                    Column("Running for", workers.running_for(), unit="s"),
                    Column(
                        "Of objective",
                        objectives.running_of_run_objective(),
                        unit="percentunit",
                        decimals=0,
                        colours=SHARE_OF_LIMIT,
                    ),
                ],
                sort_by="Running for",
                no_value="No job runs",
            ),
            widths=(14, 10),
        ),
        Heading("Lost and found"),
        row(
            8,
            time_series(
                "Restarts",
                "Workers that appeared or went, per step of the graph. Both at once, again and again: they "
                "crash.",
                [workers.appeared(), workers.gone()],
                bars=True,
                series_colours={"appeared": "green", "gone": "red"},
            ),
            time_series(
                "Silence",
                "Time since each worker last reported. A line that climbs: the worker is dead or frozen.",
                [workers.heartbeat_age()],
                unit="s",
                legend="none",
            ),
            time_series(
                "Longest running job by queue",
                "Run time so far of the job that has been running longest.",
                [workers.longest_running()],
                unit="s",
                no_value="No job runs",
                series_links=[detail_link("Durations", links.DURATIONS, queue=links.SERIES_QUEUE)],
            ),
            time_series(
                "Killed and abandoned",
                "Work horses that were killed, and jobs whose worker died, per step of the graph.",
                [
                    jobs.exceptions_over_time(catalogue.WORK_HORSE_KILLED, QUEUE),
                    jobs.exceptions_over_time(catalogue.ABANDONED, QUEUE),
                ],
                bars=True,
                series_colours={catalogue.WORK_HORSE_KILLED: "red", catalogue.ABANDONED: "purple"},
                no_value="None was killed, or is not measured",
                links=[dashboard_link("Failures", links.FAILURES)],
            ),
        ),
    ],
)
