"""Metric names, labels, buckets and Redis keys: the public API between writers and readers.

Workers and cron schedulers write these keys. The exporter reads them and serves these metrics. Rules and
dashboards use the names. Names and labels never change after a release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

MetricType = Literal["counter", "gauge", "histogram", "summary"]

OWN_INSTANCE = "main"
"""Default of the label `instance`: the stack's own Redis. Legends leave it out."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family, named as it is exposed."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str
    stock: bool = False
    """Served by rq-exporter's collector, which chose its name and labels."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series in Prometheus."""
        if self.type == "histogram":
            return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "count", "sum"))
        if self.type == "summary":
            return tuple(f"{self.name}_{suffix}" for suffix in ("count", "sum"))
        return (self.name,)


def _stock(name: str, type_: MetricType, labels: tuple[str, ...], help_: str) -> Metric:
    return Metric(name, type_, labels, help_, stock=True)


# --- rq-exporter's own ------------------------------------------------------------------------------------

WORKERS = _stock("rq_workers", "gauge", ("name", "state", "queues"), "RQ workers")
WORKERS_SUCCESS = _stock(
    "rq_workers_success_total", "counter", ("name", "queues"), "RQ workers success count"
)
WORKERS_FAILED = _stock("rq_workers_failed_total", "counter", ("name", "queues"), "RQ workers fail count")
WORKERS_WORKING_TIME = _stock(
    "rq_workers_working_time_total", "counter", ("name", "queues"), "RQ workers spent seconds"
)
JOBS = _stock("rq_jobs", "gauge", ("queue", "status"), "RQ jobs by state")
REQUEST_PROCESSING = _stock("rq_request_processing_seconds", "summary", (), "Time spent collecting RQ data")

# --- jobs: written in the transaction that ends the job ----------------------------------------------------

JOB_DURATION = Metric(
    "rq_job_duration_seconds",
    "histogram",
    ("queue", "function", "outcome"),
    "Run time of executions, from start to end.",
)
JOB_WAIT = Metric(
    "rq_job_wait_seconds",
    "histogram",
    ("queue",),
    "Time that jobs waited in the queue, from enqueued to started.",
)
JOBS_PROCESSED = Metric(
    "rq_jobs_processed_total",
    "counter",
    ("queue", "function", "outcome"),
    "Executions that ended, by outcome: success, failed, retried, stopped or abandoned.",
)
JOB_FAILURES = Metric(
    "rq_job_failures_total",
    "counter",
    ("queue", "function", "exception"),
    "Executions that ended with an error, retried ones included, by exception class.",
)

QUEUE_EXPIRED_JOBS = Metric(
    "rq_queue_expired_jobs_total",
    "counter",
    ("queue",),
    "Jobs whose ttl ended before they were started; counted when a monitored worker finds them.",
)

# --- queues and workers: read from RQ's own keys -----------------------------------------------------------

QUEUE_OLDEST_JOB_AGE = Metric(
    "rq_queue_oldest_job_age_seconds",
    "gauge",
    ("queue",),
    "Age of the oldest waiting job in the queue, since it was enqueued; 0 if the queue is empty.",
)
QUEUE_WORKERS = Metric("rq_queue_workers", "gauge", ("queue",), "Live workers that listen to the queue.")
QUEUE_MONITORED_WORKERS = Metric(
    "rq_queue_monitored_workers",
    "gauge",
    ("queue",),
    "Live monitored workers that listen to the queue; the others leave no durations and failures.",
)
QUEUE_STUCK_JOBS = Metric(
    "rq_queue_stuck_jobs", "gauge", ("queue",), "Started jobs whose heartbeat expired: their worker is dead."
)
QUEUE_OVERDUE_SCHEDULED_JOBS = Metric(
    "rq_queue_overdue_scheduled_jobs",
    "gauge",
    ("queue",),
    "Scheduled jobs that are overdue: no RQ scheduler runs for the queue.",
)
QUEUE_STUCK_DEFERRED_JOBS = Metric(
    "rq_queue_stuck_deferred_jobs",
    "gauge",
    ("queue",),
    "Deferred jobs that will never run: a job they depend on failed, was stopped or cancelled, or is gone.",
)
WORKER_LAST_HEARTBEAT = Metric(
    "rq_worker_last_heartbeat_timestamp_seconds", "gauge", ("name",), "Time of the worker's last heartbeat."
)
WORKER_EXPIRES_IN = Metric(
    "rq_worker_expires_in_seconds",
    "gauge",
    ("name",),
    "Time until RQ drops the worker unless it sends a heartbeat; a healthy worker has always more than 30 s.",
)
WORKER_VERSION_INFO = Metric(
    "rq_worker_version_info",
    "gauge",
    ("name", "version"),
    "Version of the worker's code, from RQ_MON_VERSION or its git checkout; always 1. Absent without either.",
)
WORKER_JOB_RUNNING = Metric(
    "rq_worker_job_running_seconds",
    "gauge",
    ("name", "queue"),
    "Run time so far of the worker's current job; absent while the worker is idle.",
)
WORKER_LONG_JOB_INFO = Metric(
    "rq_worker_long_job_info",
    "gauge",
    ("name", "queue", "function", "job_id"),
    "The worker's current job, if it runs beyond its queue's run objective; always 1. The 100 longest "
    "running.",
)
WORKER_JOB_TIMEOUT = Metric(
    "rq_worker_job_timeout_seconds",
    "gauge",
    ("name", "queue"),
    "Timeout of the worker's current job; absent while it is idle, or if the job has no timeout.",
)

# --- objectives: what the user promises for each queue ------------------------------------------------------

QUEUE_OBJECTIVE_WAIT = Metric(
    "rq_queue_objective_wait_seconds",
    "gauge",
    ("queue", "le"),
    "Objective: a job must start within this time. `le` is the bucket of rq_job_wait_seconds with this "
    "bound.",
)
QUEUE_OBJECTIVE_RUN = Metric(
    "rq_queue_objective_run_seconds",
    "gauge",
    ("queue", "le"),
    "Objective: a job must run no longer than this. `le` is the bucket of rq_job_duration_seconds with "
    "this bound.",
)
QUEUE_OBJECTIVE_RATIO = Metric(
    "rq_queue_objective_ratio",
    "gauge",
    ("queue", "objective"),
    "Objective: the share of jobs that must succeed, start in time, or end in time.",
)

# --- cron --------------------------------------------------------------------------------------------------

CRON_JOB_INFO = Metric(
    "rq_cron_job_info", "gauge", ("cron_job", "queue", "function", "schedule"), "A cron job; always 1."
)
CRON_JOB_NEXT_TICK = Metric(
    "rq_cron_job_next_tick_timestamp_seconds",
    "gauge",
    ("cron_job",),
    "Time at which the cron job is due next.",
)
CRON_JOB_LAST_TICK = Metric(
    "rq_cron_job_last_tick_timestamp_seconds",
    "gauge",
    ("cron_job",),
    "Time of the cron job's last enqueued tick; absent before the first.",
)
CRON_JOB_PAUSED = Metric(
    "rq_cron_job_paused",
    "gauge",
    ("cron_job",),
    "1 if the cron job is paused and so has no next tick, else 0.",
)
CRON_TICKS = Metric(
    "rq_cron_ticks_total",
    "counter",
    ("cron_job", "result"),
    "Ticks of the cron job by result: enqueued, coalesced into a later one, missed, or failed (no worker "
    "can run it).",
)
CRON_SCHEDULERS = Metric("rq_cron_schedulers", "gauge", (), "Live cron scheduler processes.")

# --- operators ---------------------------------------------------------------------------------------------

OPERATOR_CHANGES = Metric(
    "rq_operator_changes_total",
    "counter",
    ("action",),
    "Jobs, cron jobs and series that operators changed with rqmon or in the browser. Pausing or resuming "
    "all workers counts as one.",
)

# --- the exporter itself -----------------------------------------------------------------------------------

REDIS_UP = Metric("rq_redis_up", "gauge", (), "1 if this scrape could read Redis, else 0.")
EXPORTER_ERRORS = Metric(
    "rq_exporter_errors_total", "counter", ("reason",), "Data that the exporter could not read, by reason."
)
JOB_METRICS_WRITE_ERRORS = Metric(
    "rq_job_metrics_write_errors_total",
    "counter",
    ("reason",),
    "Jobs that a worker could not count, by Redis error code.",
)
EXPORTER_BUILD_INFO = Metric(
    "rq_exporter_build_info", "gauge", ("version", "rq"), "Versions of the exporter and of RQ; always 1."
)
JOB_PAGES_INFO = Metric(
    "rq_job_pages_info",
    "gauge",
    ("url",),
    "Address of the job pages of this Redis, for links from dashboards; always 1. Absent without "
    "RQ_MON_WEB_URL.",
)

CATALOGUE = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""Every metric on the exporter's port, in the order above."""

# --- label values ------------------------------------------------------------------------------------------

Outcome = Literal["success", "failed", "retried", "stopped", "abandoned"]
OUTCOMES: tuple[Outcome, ...] = ("success", "failed", "retried", "stopped", "abandoned")

ObjectiveKind = Literal["success", "wait", "run"]
OBJECTIVE_KINDS: tuple[ObjectiveKind, ...] = ("success", "wait", "run")

TickResult = Literal["enqueued", "coalesced", "missed", "failed"]
TICK_RESULTS: tuple[TickResult, ...] = ("enqueued", "coalesced", "missed", "failed")

OperatorAction = Literal[
    "requeue",
    "delete",
    "purge",
    "stop",
    "pause",
    "resume",
    "cron_run",
    "cron_pause",
    "cron_resume",
    "cron_cancel",
    "prune",
]
OPERATOR_ACTIONS: tuple[OperatorAction, ...] = get_args(OperatorAction)

OTHER = "other"
"""Label value for all functions or exceptions beyond the limit of series."""

UNKNOWN_FUNCTION = "unknown"
"""Label value for a job whose data the worker cannot read."""

WORK_HORSE_KILLED = "WorkHorseKilled"
"""A signal killed the work horse during a job: SIGKILL, out of memory, segmentation fault."""

WORK_HORSE_EXITED = "WorkHorseExited"
"""The work horse exited during a job: `os._exit`, or a library that ends the process."""

FAILURE_NOT_RECORDED = "FailureNotRecorded"
"""The work horse ended because Redis or RQ raised while it recorded the end of its job."""

WORK_HORSE_DEATHS = (WORK_HORSE_KILLED, WORK_HORSE_EXITED, FAILURE_NOT_RECORDED)
"""The exceptions for jobs whose work horse ended without recording a result."""

LONGEST_NAME = 200
"""Longest name that an application may give its jobs, and longest exception class, in characters."""

LONGEST_VERSION = 100
"""Longest version of the code that a worker reports, in characters."""

MAX_RETRIES_EXCEEDED = "MaxRetriesExceeded"
"""A job returned rq.Retry more often than it allows itself."""

ABANDONED = "AbandonedJobError"
"""RQ's class for a job whose worker died."""

# --- buckets, upper bounds in seconds ----------------------------------------------------------------------

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
WAIT_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 600.0, 1800.0, 7200.0)

# --- Redis keys --------------------------------------------------------------------------------------------
# All below `rq:`, so that an ACL for RQ's keys covers them.

KEY_PREFIX = "rq:monitor:"

CRON_JOBS_KEY = KEY_PREFIX + "cron:jobs"
"""Hash: cron job id -> its definition as JSON."""

CRON_NEXT_TICKS_KEY = KEY_PREFIX + "cron:next"
"""Sorted set: cron job id by the Unix time of its next tick."""

CRON_LAST_TICKS_KEY = KEY_PREFIX + "cron:last"
"""Hash: cron job id -> Unix time of the tick that was enqueued last."""

CRON_PAUSED_KEY = KEY_PREFIX + "cron:paused"
"""Hash: id of a paused cron job -> Unix time of the pause. It has no next tick."""

CRON_OWNERS_KEY = KEY_PREFIX + "cron:owners"
"""Hash: cron job id -> who registered it, as JSON: name of a list -> its generation then; "" for run time."""

CRON_LISTS_KEY = KEY_PREFIX + "cron:lists"
"""Hash: name of a list of cron jobs -> its newest generation, a whole number."""

CRON_TICKS_KEY = KEY_PREFIX + "cron:ticks"
"""Hash: `<cron job id>:<result>` -> count."""

CRON_SCHEDULERS_KEY = KEY_PREFIX + "cron:schedulers"
"""Sorted set: name of a cron scheduler process by the Unix time until which it counts as alive."""

MONITORED_QUEUES_KEY = KEY_PREFIX + "queues"
"""Set: queues that have any of the keys below."""

FUNCTIONS_KEY_PREFIX = KEY_PREFIX + "functions:"
"""Before a queue's name. Set: functions that have a hash of their own."""

JOBS_KEY_PREFIX = KEY_PREFIX + "jobs:"
"""Before a JSON list of queue and function. Hash: results of the function's jobs."""

WAITS_KEY_PREFIX = KEY_PREFIX + "waits:"
"""Before a queue's name. Hash: histogram of the waits in the queue, and how many jobs expired in it."""

RUNNING_KEY_PREFIX = KEY_PREFIX + "running:"
"""Before a queue's name. Hash: execution id -> what is running where, until its end is counted."""

COUNTED_KEY_PREFIX = KEY_PREFIX + "counted:"
"""Before an execution's id. String: its end is already counted, so it is not counted twice."""

SEARCH_LOCK_KEY_PREFIX = KEY_PREFIX + "searched:"
"""Before a queue's name. String: while it exists, no other process looks for abandoned jobs."""

MONITORED_WORKER_FIELD = "monitored"
"""Field of RQ's hash of a worker: exists while the worker counts its jobs."""

WORKER_VERSION_FIELD = "rq_mon_version"
"""Field of RQ's hash of a worker: the version of its code, if known."""

FUNCTION_META_KEY = "rq_mon_function"
"""Key in the `meta` of a job: the name to count it under instead of its function's."""

JOB_FUNCTION_FIELD = "rq_mon_function"
"""Field of RQ's hash of a job: the name it was counted under, if the job itself does not show it."""

JOB_EXCEPTION_FIELD = "rq_mon_exception"
"""Field of RQ's hash of a job: `<started_at> <class>` of the failure that was counted last."""

WRITE_ERRORS_KEY = KEY_PREFIX + "errors"
"""Hash: Redis error code -> number of jobs that a worker could not count because of it."""

OPERATOR_CHANGES_KEY = KEY_PREFIX + "changes"
"""Hash: operator action -> number of jobs, cron jobs or series that it changed."""

ON_ITS_WAY_KEY_PREFIX = KEY_PREFIX + "on-its-way:"
"""Before a job's id. Hash of one field: when a job of this enqueue time was first seen missing."""
