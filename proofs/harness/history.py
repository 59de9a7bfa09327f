"""A made-up history of a stack: every metric of the dashboards, the same in every run.

Each series is a function of time. So a history of any length and resolution can be written without
simulating it. It contains an example of everything that can go wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from rq_mon import catalogue
from rq_mon.catalogue import Metric
from rq_mon.ports import RQ_MON_WEB_PORT
from stack.services import ALERTMANAGER, PROMETHEUS, REDIS_EXPORTER, RQ_EXPORTER, Service

Value = Callable[[float], float | None]
"""The value at a Unix time; None while the series does not exist."""

Labels = dict[str, str]

EXCEPTIONS = ("ValueError", "TimeoutError")
OUTCOME_SHARES = {"success": 0.93, "failed": 0.03, "retried": 0.04}
JOBS_IN_STATES = {
    "queued": 20,
    "started": 2,
    "scheduled": 5,
    "failed": 30,
    "deferred": 1,
    "canceled": 3,
    "rate_limited": 2,
}
SCHEDULES = ("* * * * *", "*/10 * * * *", "0 * * * *")


@dataclass(frozen=True, slots=True)
class Series:
    """A time series."""

    name: str
    labels: Labels
    value: Value

    def write(self, file: TextIO, times: range) -> None:
        """Write its samples in OpenMetrics format."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        prefix = f"{self.name}{{{labels}}}"
        samples = ((self.value(time), time) for time in times)
        file.write(
            "".join([f"{prefix} {value:.12g} {time}\n" for value, time in samples if value is not None])
        )


@dataclass(frozen=True, slots=True)
class History:
    """The history of a stack of the given size, beginning at `start`."""

    start: int
    queues: int = 2
    functions: int = 3
    """In total; each runs in one queue."""
    workers: int = 4
    cron_jobs: int = 3
    monitored: bool = True
    """Whether the workers are MonitoredWorkers, which count their jobs."""
    all_monitored: bool = False
    """If not, one worker of the first queue is uninstrumented, and so are all workers of the other queues."""
    instances: tuple[str, ...] = (catalogue.OWN_INSTANCE,)
    """The watched Redis, all with the same content."""
    module: str = "app.jobs"
    """The module of the functions."""

    def write(self, path: Path, start: int, end: int, step: Callable[[Series], int]) -> None:
        """Write the samples from `start` to before `end` in OpenMetrics format, for promtool to import."""
        with path.open("w", encoding="utf-8") as file:
            for series in self.series():
                series.write(file, range(start, end, step(series)))
            file.write("# EOF\n")

    def series(self) -> Iterator[Series]:
        """All series."""
        for instance in self.instances:
            for series in self._of_one_redis():
                yield replace(series, labels={**series.labels, "instance": instance})
        yield from _other_services()
        yield from _alerts(self.start)

    def _of_one_redis(self) -> Iterator[Series]:
        for queue in range(self.queues):
            yield from self._queue(f"queue-{queue}", queue)
        for function in range(self.functions if self.monitored else 0):
            yield from self._function(
                f"{self.module}.function_{function}", f"queue-{function % self.queues}", function
            )
        for worker in range(self.workers):
            yield from self._worker(f"worker-{worker}", f"queue-{worker % self.queues}", worker)
        for job in range(self.cron_jobs):
            yield from self._cron_job(f"cron-{job}", job)
        yield from self._exporter()
        yield from _redis()

    def _counter(self, rate: float, since: float = 0.0) -> Value:
        """A counter with whole events at a steady rate, beginning `since` seconds after the start."""
        first = self.start + since
        return lambda time: math.ceil((time - first) * rate) if time >= first else None

    def _queue(self, queue: str, index: int) -> Iterator[Series]:
        labels = {"queue": queue}
        for status, mean in JOBS_IN_STATES.items():
            yield _rq(catalogue.JOBS, _wave(mean + index), **labels, status=status)
        yield _rq(catalogue.QUEUE_OLDEST_JOB_AGE, _wave(40 + index), **labels)
        listening, counting = self._listening(index)
        yield _rq(catalogue.QUEUE_WORKERS, _constant(listening), **labels)
        yield _rq(catalogue.QUEUE_MONITORED_WORKERS, _constant(counting), **labels)
        yield _rq(catalogue.QUEUE_STUCK_JOBS, _constant(index), **labels)
        yield _rq(catalogue.QUEUE_STUCK_DEFERRED_JOBS, _constant(index), **labels)
        yield _rq(catalogue.QUEUE_EXPIRED_JOBS, self._counter(0.01 if self.monitored else 0.0), **labels)
        yield _rq(catalogue.QUEUE_OVERDUE_SCHEDULED_JOBS, _constant(index), **labels)
        yield _rq(catalogue.QUEUE_OBJECTIVE_WAIT, _constant(60), **labels, le="60.0")
        yield _rq(catalogue.QUEUE_OBJECTIVE_RUN, _constant(300), **labels, le="300.0")
        for objective in catalogue.OBJECTIVE_KINDS:
            yield _rq(catalogue.QUEUE_OBJECTIVE_RATIO, _constant(0.95), **labels, objective=objective)
        # The exporter serves a histogram of waits for every queue, even an empty one.
        rate = 0.5 if self.monitored else 0.0
        yield from self._histogram(catalogue.JOB_WAIT, catalogue.WAIT_BUCKETS, rate, 5.0, labels)

    def _listening(self, queue: int) -> tuple[int, int]:
        """The workers of a queue, and how many of them count their jobs. The last queue has none."""
        if queue == self.queues - 1:
            return 0, 0
        if self.all_monitored:
            return 3, 3
        return 3, 2 if self.monitored and queue == 0 else 0

    def _function(self, function: str, queue: str, index: int) -> Iterator[Series]:
        labels = {"queue": queue, "function": function}
        rate = 0.2 + index % 7 / 10
        for outcome, share in OUTCOME_SHARES.items():
            ended = {**labels, "outcome": outcome}
            yield _rq(catalogue.JOBS_PROCESSED, self._counter(rate * share), **ended)
            yield from self._histogram(
                catalogue.JOB_DURATION, catalogue.DURATION_BUCKETS, rate * share, 0.1 + index % 5, ended
            )
        for outcome in ("stopped", "abandoned"):
            yield _rq(catalogue.JOBS_PROCESSED, self._counter(0.002), **labels, outcome=outcome)
        for exception in (
            *EXCEPTIONS,
            catalogue.WORK_HORSE_KILLED,
            catalogue.ABANDONED,
            "JobTimeoutException",
        ):
            yield _rq(catalogue.JOB_FAILURES, self._counter(0.005), **labels, exception=exception)
        for rate_of_death, exception in (
            (0.002, catalogue.WORK_HORSE_EXITED),
            (0.001, catalogue.FAILURE_NOT_RECORDED),
        ):
            yield _rq(catalogue.JOB_FAILURES, self._counter(rate_of_death), **labels, exception=exception)
        # A single error half an hour after the start: its series begins with the value 1.
        yield _rq(catalogue.JOB_FAILURES, _since(self.start + 1800, 1), **labels, exception="KeyError")

    def _histogram(
        self, metric: Metric, bounds: tuple[float, ...], rate: float, typical: float, labels: Labels
    ) -> Iterator[Series]:
        """A histogram of exponentially distributed values with a mean of `typical` seconds."""
        for bound in (*bounds, math.inf):
            share = 1 - math.exp(-bound / typical)
            le = "+Inf" if bound == math.inf else str(float(bound))
            yield _rq_series(f"{metric.name}_bucket", self._counter(rate * share), **labels, le=le)
        yield _rq_series(f"{metric.name}_count", self._counter(rate), **labels)
        yield _rq_series(f"{metric.name}_sum", self._counter(rate * typical), **labels)

    def _worker(self, name: str, queue: str, index: int) -> Iterator[Series]:
        # The last one started late. None changes its state: blocks cannot store the end of a series.
        born = self.start + (1800 if index == self.workers - 1 else 0)
        state = "idle" if index % 2 else "busy"
        yield _rq(catalogue.WORKERS, _since(born, 1), name=name, state=state, queues=f"{queue},other")
        queues = {"name": name, "queues": f"{queue},other"}
        yield _rq(catalogue.WORKERS_SUCCESS, self._counter(0.1), **queues)
        yield _rq(catalogue.WORKERS_FAILED, self._counter(0.01), **queues)
        yield _rq(catalogue.WORKERS_WORKING_TIME, self._counter(0.7), **queues)
        yield _rq(catalogue.WORKER_EXPIRES_IN, _constant(75 if index else 10), name=name)
        yield _rq(catalogue.WORKER_LAST_HEARTBEAT, lambda time: time - 5, name=name)
        version = "1.5.0" if index == self.workers - 1 else "1.4.2"
        yield _rq(catalogue.WORKER_VERSION_INFO, _since(born, 1), name=name, version=version)
        if state == "busy":
            yield _rq(catalogue.WORKER_JOB_RUNNING, lambda time: time % 180, name=name, queue=queue)
            yield _rq(catalogue.WORKER_JOB_TIMEOUT, _constant(180), name=name, queue=queue)
        if index == 0:
            job = {"function": f"{self.module}.function_0", "job_id": "5a1f0c3e"}
            yield _rq(catalogue.WORKER_LONG_JOB_INFO, _constant(1), name=name, queue=queue, **job)

    def _cron_job(self, cron_job: str, index: int) -> Iterator[Series]:
        function, queue = f"{self.module}.function_{index % self.functions}", f"queue-{index % self.queues}"
        schedule = SCHEDULES[index % len(SCHEDULES)]
        info = {"cron_job": cron_job, "queue": queue, "function": function, "schedule": schedule}
        yield _rq(catalogue.CRON_JOB_INFO, _constant(1), **info)
        # The last one never ticks again.
        late = index == self.cron_jobs - 1
        yield _rq(
            catalogue.CRON_JOB_NEXT_TICK,
            _constant(self.start + 600) if late else lambda time: time // 60 * 60 + 60,
            cron_job=cron_job,
        )
        yield _rq(catalogue.CRON_JOB_PAUSED, _constant(0), cron_job=cron_job)
        yield _rq(catalogue.CRON_JOB_LAST_TICK, lambda time: time // 60 * 60, cron_job=cron_job)
        for result, rate in {
            "enqueued": 1 / 60,
            "coalesced": 0.002,
            "missed": 0.001,
            "failed": 0.0005,
        }.items():
            yield _rq(catalogue.CRON_TICKS, self._counter(rate), cron_job=cron_job, result=result)

    def _exporter(self) -> Iterator[Series]:
        yield _rq(catalogue.CRON_SCHEDULERS, _constant(2))
        yield _rq(catalogue.REDIS_UP, _constant(1))
        yield _rq(catalogue.EXPORTER_ERRORS, self._counter(0.01), reason="unreadable")
        yield _rq(catalogue.JOB_METRICS_WRITE_ERRORS, self._counter(0.01), reason="OOM")
        yield _rq(catalogue.OPERATOR_CHANGES, self._counter(0.01), action="requeue")
        yield _rq(catalogue.EXPORTER_BUILD_INFO, _constant(1), version="0.1.0", rq="2.12.0")
        yield _rq(catalogue.JOB_PAGES_INFO, _constant(1), url=f"http://127.0.0.1:{RQ_MON_WEB_PORT}")
        for name in catalogue.REQUEST_PROCESSING.series:
            yield _rq_series(name, self._counter(0.2))


def _constant(value: float) -> Value:
    return lambda _: value


def _since(start: float, value: float) -> Value:
    return lambda time: value if time >= start else None


def _wave(mean: float) -> Value:
    """Up and down every hour."""
    return lambda time: round(mean * (1 + 0.5 * math.sin(time / 600)), 1)


def _rising(rate: float) -> Value:
    return lambda time: math.floor(time * rate)


def _of_job(service: Service, name: str, value: Value, /, **labels: str) -> Series:
    return Series(name, {"job": service.name, "instance": f"{service.name}:{service.port}", **labels}, value)


def _rq_series(name: str, value: Value, /, **labels: str) -> Series:
    return _of_job(RQ_EXPORTER, name, value, **labels)


def _rq(metric: Metric, value: Value, /, **labels: str) -> Series:
    assert set(labels) == set(metric.labels), f"{metric.name} has the labels {metric.labels}, not {labels}"
    return _rq_series(metric.name, value, **labels)


def _scraped(service: Service) -> Iterator[Series]:
    yield _of_job(service, "up", _constant(1))
    yield _of_job(service, "scrape_duration_seconds", _constant(0.01))
    yield _of_job(service, "scrape_samples_scraped", _constant(500))


def _redis() -> Iterator[Series]:
    for service in (RQ_EXPORTER, REDIS_EXPORTER):
        yield from _scraped(service)
    gauges = {
        "redis_up": 1,
        "redis_memory_used_bytes": 2e6,
        "redis_memory_max_bytes": 1e8,
        "redis_connected_clients": 10,
        "redis_blocked_clients": 4,
        "redis_rdb_last_bgsave_status": 1,
        "redis_aof_last_write_status": 1,
    }
    for name, mean in gauges.items():
        yield _of_job(REDIS_EXPORTER, name, _constant(mean))
    for name in (
        "redis_commands_processed_total",
        "redis_evicted_keys_total",
        "redis_rejected_connections_total",
    ):
        yield _of_job(REDIS_EXPORTER, name, _rising(1.0))
    yield _of_job(REDIS_EXPORTER, "redis_uptime_in_seconds", lambda time: time % 2400)
    yield _of_job(REDIS_EXPORTER, "redis_instance_info", _constant(1), redis_version="7.0.15")


def _other_services() -> Iterator[Series]:
    for service in (PROMETHEUS, ALERTMANAGER):
        yield from _scraped(service)
        yield _of_job(service, f"{service.name}_build_info", _constant(1), version="1.0")
    for name in ("prometheus_tsdb_head_series", "prometheus_tsdb_storage_blocks_bytes"):
        yield _of_job(PROMETHEUS, name, _wave(1e5))
    for name in ("prometheus_tsdb_head_samples_appended_total", "prometheus_notifications_dropped_total"):
        yield _of_job(PROMETHEUS, name, _rising(0.1))
    group = {"rule_group": "rules/recording.yml;rq-counters"}
    for name in (
        "prometheus_rule_evaluation_failures_total",
        "prometheus_rule_group_iterations_missed_total",
    ):
        yield _of_job(PROMETHEUS, name, _rising(0.01), **group)
    yield _of_job(PROMETHEUS, "prometheus_rule_group_last_duration_seconds", _constant(0.01), **group)
    yield _of_job(ALERTMANAGER, "alertmanager_alerts", _constant(1), state="active")
    for name in ("alertmanager_notifications_total", "alertmanager_notifications_failed_total"):
        yield _of_job(ALERTMANAGER, name, _rising(0.01), integration="webhook")


def _alerts(start: int) -> Iterator[Series]:
    labels = {
        "alertname": "RQQueueWaitTooLong",
        "severity": "critical",
        "instance": catalogue.OWN_INSTANCE,
        "queue": "queue-0",
    }
    yield Series("ALERTS", {**labels, "alertstate": "firing"}, _since(start + 1200, 1))
    yield Series("ALERTS_FOR_STATE", labels, _since(start + 1200, start + 1100))
