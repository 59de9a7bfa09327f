"""The one list of services, with name, port and purpose, that both runtimes use.

A service has the same name in the compose files, in supervisord and in prometheus.yml; tests compare them.
"""

from __future__ import annotations

from dataclasses import dataclass

from rq_mon.ports import GRAFANA_PORT, PROMETHEUS_PORT, RQ_EXPORTER_PORT, RQ_MON_WEB_PORT
from rq_mon.queue_names import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

CORE_COMPOSE_FILE = "docker-compose.yml"
MONITOR_COMPOSE_FILE = "docker-compose-rq-monitor.yml"
PINS_COMPOSE_FILE = "docker-compose-pinned.yml"
"""Pins each image by its digest. `make pin-images` writes it."""
QUEUES_COMPOSE_FILE = ".rq-mon/docker-compose-queues.yml"
"""Written by make: the workers of queues in RQ_MON_QUEUES that the core does not have."""


@dataclass(frozen=True, slots=True)
class Service:
    """A long-running program of the stack."""

    name: str
    purpose: str
    compose_file: str
    port: int | None = None
    """The port in its container, and on this machine unless `port_variable` sets another one."""
    port_variable: str | None = None
    health_path: str | None = None
    """HTTP path that answers 200 when the service is ready; None if it does not speak HTTP."""
    ui_path: str | None = None
    """Path of its web page; None if it has none."""
    queue: str | None = None
    """The queue that it runs, if it is a worker."""
    number_variable: str | None = None
    """The variable for the number of processes; None if there is at most one."""
    has_login: bool = False
    """Whether it has a login, so that it may be open to other machines.

    The others are for this machine only.
    """

    @property
    def bind_variable(self) -> str | None:
        """The variable for the address on which it listens; None if it has no port."""
        return self.port_variable and f"{self.port_variable.removesuffix('_PORT')}_BIND_ADDRESS"


REDIS = Service(
    "redis", "the queues", CORE_COMPOSE_FILE, port=6379, port_variable="REDIS_PORT", has_login=True
)
SHORT_RUNNING_WORKER = Service(
    "short-running-worker",
    "runs the short-running queue",
    CORE_COMPOSE_FILE,
    queue=SHORT_RUNNING_QUEUE,
    number_variable="SHORT_RUNNING_WORKERS",
)
LONG_RUNNING_WORKER = Service(
    "long-running-worker",
    "runs the long-running queue",
    CORE_COMPOSE_FILE,
    queue=LONG_RUNNING_QUEUE,
    number_variable="LONG_RUNNING_WORKERS",
)
CRON_SCHEDULER = Service("cron-scheduler", "enqueues cron jobs", CORE_COMPOSE_FILE)
RQ_EXPORTER = Service(
    "rq-exporter",
    "metrics of jobs, queues, workers and cron",
    MONITOR_COMPOSE_FILE,
    port=RQ_EXPORTER_PORT,
    port_variable="RQ_EXPORTER_PORT",
    health_path="/healthz",
    ui_path="/metrics",
)
REDIS_EXPORTER = Service(
    "redis-exporter",
    "metrics of Redis",
    MONITOR_COMPOSE_FILE,
    port=9121,
    port_variable="REDIS_EXPORTER_PORT",
    health_path="/metrics",
)
PROMETHEUS = Service(
    "prometheus",
    "stores metrics, evaluates rules",
    MONITOR_COMPOSE_FILE,
    port=PROMETHEUS_PORT,
    port_variable="PROMETHEUS_PORT",
    health_path="/-/ready",
    ui_path="/",
)
ALERTMANAGER = Service(
    "alertmanager",
    "groups and sends alerts",
    MONITOR_COMPOSE_FILE,
    port=9093,
    port_variable="ALERTMANAGER_PORT",
    health_path="/-/ready",
    ui_path="/",
)
GRAFANA = Service(
    "grafana",
    "dashboards",
    MONITOR_COMPOSE_FILE,
    port=GRAFANA_PORT,
    port_variable="GRAFANA_PORT",
    health_path="/api/health",
    ui_path="/",
    has_login=True,
)
VIEWER = Service(
    "viewer",
    "dashboards, if Grafana is missing",
    MONITOR_COMPOSE_FILE,
    port=GRAFANA.port,
    port_variable=GRAFANA.port_variable,
    health_path="/health",
    ui_path="/",
)
"""Replaces Grafana, on its port and with the same dashboard URLs. Only one of the two runs."""

RQ_MON_WEB = Service(
    "rq-mon-web",
    "single jobs: inspect them, run them again",
    MONITOR_COMPOSE_FILE,
    port=RQ_MON_WEB_PORT,
    port_variable="RQ_MON_WEB_PORT",
    health_path="/health",
    ui_path="/",
    has_login=True,
)

SERVICES = (
    REDIS,
    SHORT_RUNNING_WORKER,
    LONG_RUNNING_WORKER,
    CRON_SCHEDULER,
    RQ_EXPORTER,
    REDIS_EXPORTER,
    PROMETHEUS,
    ALERTMANAGER,
    GRAFANA,
    VIEWER,
    RQ_MON_WEB,
)
"""In start order, which is also the order of tables."""

FORMER_NAMES = {"preview": VIEWER}
"""Service names of the last release, accepted until the next one."""

WORKERS = {service.queue: service for service in SERVICES if service.queue}
"""The worker of each default queue."""

APPLICATION_SERVICES = tuple(service for service in SERVICES if service.compose_file == CORE_COMPOSE_FILE)
"""Redis, workers and cron. If the stack only watches a Redis, the application runs its own."""
