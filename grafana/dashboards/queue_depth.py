"""Queue depth: what waits, and whether it will be worked off."""

from grafana import links
from grafana.common import A_MINUTE, ANY_IS_BAD, NOT_MEASURED, QUEUE_CHOICE, STATUS_COLOURS, rq_dashboard
from grafana.layer.layout import Heading, row
from grafana.layer.stat import stat
from grafana.layer.time_series import time_series
from grafana.links import series_to, to
from grafana.queries import queues
from grafana.shared_panels import oldest_wait

TO_WORKERS = to(links.WORKERS)
ONLY_THIS_QUEUE = series_to(links.QUEUE_DEPTH, "queue")

DASHBOARD = rq_dashboard(
    links.QUEUE_DEPTH,
    "What waits, for how long, and will the workers ever catch up?",
    choices=[QUEUE_CHOICE],
    rows=[
        row(
            4,
            stat("Queued", "Jobs that wait for a worker now.", queues.depth_in_all(), sparkline=True),
            oldest_wait(),
            stat(
                "No workers",
                "Queues with jobs that no live worker listens for: start a worker for them.",
                queues.without_workers(),
                colours=ANY_IS_BAD,
                links=[TO_WORKERS],
            ),
            stat(
                "Overdue",
                "Delayed jobs and retries whose time has come, but that are not in the queue yet: no "
                "worker with RQ's scheduler runs for it.",
                queues.overdue_in_all(),
                colours=ANY_IS_BAD,
            ),
            stat(
                "Stuck",
                "Started jobs whose worker is dead. A worker's maintenance retries or fails them within "
                "minutes.",
                queues.stuck_in_all(),
                colours=ANY_IS_BAD,
                links=[TO_WORKERS],
            ),
            stat(
                "Stuck deferred",
                "Deferred jobs that will never run: a job they depend on failed, was stopped or cancelled, "
                "or is gone.",
                queues.stuck_deferred_in_all(),
                colours=ANY_IS_BAD,
            ),
            stat(
                "Delayed",
                "Jobs that are not due yet: enqueued for later, or waiting for a retry.",
                queues.in_state_in_all("scheduled"),
            ),
            widths=(3, 4, 4, 3, 3, 4, 3),
        ),
        row(
            9,
            time_series(
                "Depth by queue",
                "Jobs that wait, by queue.",
                [queues.depth()],
                stacked=True,
                legend="right",
                series_links=[ONLY_THIS_QUEUE],
            ),
        ),
        row(
            8,
            time_series(
                "Oldest job by queue",
                "Age of the oldest job that waits in the queue. A line that climbs one second a second: "
                "nothing leaves.",
                [queues.oldest_age()],
                unit="s",
                soft_maximum=1,
                series_links=[ONLY_THIS_QUEUE],
            ),
            time_series(
                "Arrivals and completions",
                "Jobs a minute. RQ counts no arrivals: they are what ended, plus what there is more of than "
                "before, queued or running. Retries and delayed jobs arrive when they enter the queue.",
                [queues.arrivals(), queues.departures()],
                unit=A_MINUTE,
                series_colours={"arrived": "blue", "ended": "green"},
                no_value=NOT_MEASURED,
            ),
        ),
        row(
            8,
            time_series(
                "Time to drain by queue",
                "What waits now, at the rate at which jobs ended in the last five minutes, if nothing more "
                "came; about as long as a job that is enqueued now has to wait. A queue that does not drain "
                "is left out.",
                [queues.time_to_drain_over_time()],
                unit="s",
                soft_maximum=1,
                no_value=NOT_MEASURED,
                series_links=[ONLY_THIS_QUEUE],
            ),
        ),
        row(
            8,
            time_series(
                "Jobs by status",
                "All jobs that Redis holds, by RQ's states; finished and failed ones until they expire. The "
                "axis is logarithmic, so that thousands of finished jobs do not hide a few failed ones.",
                [queues.by_status()],
                scale="symlog",
                series_colours=STATUS_COLOURS,
            ),
            time_series(
                "Workers by queue",
                "Live workers that listen to the queue. Queued jobs and no worker: that is why they wait.",
                [queues.workers()],
                links=[TO_WORKERS],
                series_links=[series_to(links.WORKERS, "queue")],
            ),
        ),
        Heading("Deferred, rate-limited, cancelled and expired"),
        row(
            7,
            time_series(
                "Stuck deferred by queue",
                "Deferred jobs that will never run: a job they depend on failed, was stopped or cancelled, "
                "or is gone.",
                [queues.stuck_deferred()],
                stacked=True,
            ),
            time_series(
                "Rate-limited by queue",
                "Jobs that a rate limit of RQ 3 holds back. They enter the queue one by one.",
                [queues.in_state("rate_limited")],
                stacked=True,
            ),
        ),
        row(
            7,
            time_series(
                "Cancelled by queue",
                "Cancelled jobs that Redis still holds. RQ never deletes them; rqmon purge QUEUE canceled "
                "does.",
                [queues.in_state("canceled")],
                stacked=True,
            ),
            time_series(
                "Expired by queue",
                "Jobs a minute whose ttl ended before a worker came, counted when a monitored worker does.",
                [queues.expired()],
                unit=A_MINUTE,
                stacked=True,
                no_value=NOT_MEASURED,
            ),
        ),
        Heading("Delayed, overdue and stuck"),
        row(
            7,
            time_series(
                "Delayed by queue",
                "Jobs that are not due yet: enqueued for later, or waiting for a retry.",
                [queues.in_state("scheduled")],
                stacked=True,
            ),
            time_series(
                "Overdue by queue",
                "Delayed jobs whose time has come, but that are not in the queue yet.",
                [queues.overdue()],
                stacked=True,
            ),
            time_series(
                "Stuck by queue",
                "Started jobs whose worker is dead.",
                [queues.stuck()],
                stacked=True,
                links=[TO_WORKERS],
            ),
        ),
    ],
)
