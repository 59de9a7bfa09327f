"""Queue depth: what waits, and whether the workers will catch up."""

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
            stat("Queued", "Jobs that are waiting for a worker now.", queues.depth_in_all()),
            oldest_wait(),
            stat(
                "No workers",
                "Queues that have jobs but no live worker. Start a worker for them.",
                queues.without_workers(),
                colours=ANY_IS_BAD,
                links=[TO_WORKERS],
            ),
            stat(
                "Overdue",
                "Delayed jobs and retries that are due but not in the queue yet. Start a worker with RQ's "
                "scheduler for the queue.",
                queues.overdue_in_all(),
                colours=ANY_IS_BAD,
            ),
            stat(
                "Stuck",
                "Started jobs whose worker is dead. Another worker's maintenance retries or fails them "
                "within minutes.",
                queues.stuck_in_all(),
                colours=ANY_IS_BAD,
                links=[TO_WORKERS],
            ),
            stat(
                "Stuck deferred",
                "Deferred jobs that will never run. A job they depend on failed, was stopped or cancelled, "
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
                "Waiting jobs by queue.",
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
                "Age of the oldest waiting job in the queue. A line that climbs by one second per second: "
                "nothing leaves the queue.",
                [queues.oldest_age()],
                unit="s",
                soft_maximum=1,
                series_links=[ONLY_THIS_QUEUE],
            ),
            time_series(
                "Arrivals and completions",
                "Jobs per minute. RQ does not count arrivals, so they are computed: jobs that ended, plus "
                "the growth of queued and running jobs. Retries and delayed jobs arrive when they enter "
                "the queue.",
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
                "Time until the queue is empty at the rate of the last five minutes, if no job is added. A "
                "new job waits about as long. A queue that does not drain is not shown.",
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
                "All jobs that Redis holds, by RQ's status; finished and failed jobs stay until they "
                "expire. The axis is logarithmic, so that thousands of finished jobs do not hide a few "
                "failed ones.",
                [queues.by_status()],
                scale="symlog",
                series_colours=STATUS_COLOURS,
            ),
            time_series(
                "Workers by queue",
                "Live workers that listen to the queue. If jobs wait and there is none, start one.",
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
                "Deferred jobs that will never run. A job they depend on failed, was stopped or cancelled, "
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
                "Cancelled jobs that Redis still holds. RQ never deletes them; `rqmon purge QUEUE "
                "canceled` does.",
                [queues.in_state("canceled")],
                stacked=True,
            ),
            time_series(
                "Expired by queue",
                "Jobs per minute whose TTL ended before they started. A monitored worker counts them when "
                "it finds them.",
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
                "Delayed jobs that are due but not in the queue yet.",
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
