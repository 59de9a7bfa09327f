"""All settings of the stack: name, default, allowed values and meaning.

Settings that the processes read themselves are in rq_mon/settings.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grafana.viewer.settings import NAMES as VIEWER_NAMES
from rq_mon.environment.kinds import BIND_ADDRESS as IPV4_ADDRESS
from rq_mon.environment.kinds import PORT, TEXT, WEB_ADDRESS, matching, whole_number
from rq_mon.environment.variables import Variable, variables_in
from rq_mon.settings import Settings
from rq_mon.web.settings import CHANGES, PASSWORD, PASSWORD_FILE, WebSettings
from stack.queues import read_queues
from stack.services import SERVICES, WORKERS, Service

BIND_ADDRESS = "127.0.0.1"
"""Ports are for this machine only unless the user opens one: Redis runs any job that it receives."""
FOR_THIS_MACHINE = (
    "is for this machine only; for access from others, put a proxy with a login in front of it "
    "(docs/operate/security.md)"
)
"""The reason why a port stays closed."""
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - what a user may choose

REDIS_URL = "RQ_REDIS_URL"
"""If set, the stack uses this Redis instead of its own."""
REDIS_USERNAME = "RQ_REDIS_USERNAME"
REDIS_PASSWORD_FILE = "RQ_REDIS_PASSWORD_FILE"  # noqa: S105 - the name of a variable
"""The user in that Redis. In the stack's own Redis each service has its own user."""
YES = "YES"
"""1 answers the questions of start, clean and restore with yes."""
REDIS_TLS_FILES = ("RQ_REDIS_CA_FILE", "RQ_REDIS_CERT_FILE", "RQ_REDIS_KEY_FILE")
"""Certificates for a Redis with TLS."""

RUNTIME: Variable[str | None] = Variable(
    "RUNTIME",
    None,
    matching("compose|native", "compose or native"),
    "Containers (compose) or processes (native). Unset: compose if a Docker engine answers, else native.",
)
WITH: Variable[str | None] = Variable(
    "WITH",
    None,
    matching("rq-dashboard", "rq-dashboard"),
    "`rq-dashboard` still works for one release: it starts the job pages, which start anyway.",
)
PROJECT_NAME = Variable(
    "COMPOSE_PROJECT_NAME",
    "rq-mon",
    matching("[a-z0-9][a-z0-9_-]*", "lower case letters, digits, - and _, with a letter or digit first"),
    "Name of the Compose project; a second clone on the same Docker engine needs another.",
)
REPLACED = {
    "RQ_DASHBOARD_PORT": "RQ_MON_WEB_PORT",
    "RQ_DASHBOARD_BIND_ADDRESS": "RQ_MON_WEB_BIND_ADDRESS",
    "RQ_DASHBOARD_URL": "RQ_MON_WEB_URL",
}
"""Settings of earlier releases that are no longer read, with their successors."""
REDIS_MAXMEMORY = Variable(
    "REDIS_MAXMEMORY",
    "256mb",
    matching("[1-9][0-9]*(kb|mb|gb)", "a size such as 256mb or 1gb"),
    "Memory limit of Redis; above it, Redis refuses new jobs.",
)


def _port(name: str) -> Variable[int]:
    services = [service for service in SERVICES if service.port_variable == name]
    names = " or ".join(service.name for service in services)
    return Variable(name, services[0].port or 0, PORT, f"Port of {names} on this machine.")


def _bind_address(service: Service) -> Variable[str]:
    meaning = f"Address that {service.name} listens on; {ANY_ADDRESS} opens it to other machines."
    return Variable(str(service.bind_variable), BIND_ADDRESS, IPV4_ADDRESS, meaning)


def _number(worker: Service) -> Variable[int]:
    meaning = f"Workers of the queue {worker.queue}; `make scale` changes it while the stack runs."
    return Variable(str(worker.number_variable), 1, whole_number(1, 99), meaning)


PORTS = tuple(_port(name) for name in dict.fromkeys(each.port_variable for each in SERVICES) if name)
BIND_ADDRESSES = tuple(_bind_address(each) for each in SERVICES if each.bind_variable and each.has_login)
"""Settings that open a port to other machines. Services without a login have none."""
NUMBERS = {worker: _number(worker) for worker in WORKERS.values() if worker.number_variable}
"""The number of workers of each queue, unless QUEUES sets it."""
QUEUES: Variable[Mapping[str, int] | None] = Variable(
    "RQ_MON_QUEUES",
    None,
    read_queues,
    "Queues that the stack's workers run, each with 0 to 99 workers: `mail:2,reports:1`. It replaces the two"
    " above; name them too to keep them. Unset: these two, which plain docker compose always runs.",
)
STOP_GRACE = Variable(
    "STOP_GRACE_SECONDS",
    190,
    whole_number(0, 99999),
    "Seconds that a running job has to end when the stack stops. Then it is killed, and retried later.",
)
RETENTION_TIME = Variable(
    "PROMETHEUS_RETENTION_TIME",
    "30d",
    matching("[1-9][0-9]*(h|d|w|y)", "a duration such as 12h or 30d"),
    "How long Prometheus keeps metrics.",
)
RETENTION_SIZE = Variable(
    "PROMETHEUS_RETENTION_SIZE",
    "4GB",
    matching("[1-9][0-9]*(MB|GB|TB)", "a size such as 512MB or 4GB"),
    "Disk space of metrics; above it, Prometheus deletes the oldest.",
)

GRAFANA_URL: Variable[str | None] = Variable(
    "GRAFANA_URL",
    None,
    WEB_ADDRESS,
    "Address of Grafana, for the links in alerts. Unset: this machine's.",
)
REPOSITORY_URL: Variable[str | None] = Variable(
    "REPOSITORY_URL",
    None,
    matching(r"https?://\S+/", "a URL that ends with /"),
    "Prefix of docs/runbooks/… in alerts, such as https://github.com/you/rq-mon/blob/main/. Unset: the "
    "runbooks in the job pages of this machine.",
)
ALERT_RECEIVERS_DIR: Variable[str | None] = Variable(
    "ALERT_RECEIVERS_DIR",
    None,
    matching(".+", "a folder"),
    "Folder with your receivers.yml, which says who gets alerts; see prometheus/receivers/example.yml. "
    "Unset: no one.",
)
SCRAPE_TARGETS_DIR: Variable[str | None] = Variable(
    "SCRAPE_TARGETS_DIR",
    None,
    matching(r"\.{0,2}/.+", "a path of a folder that begins with / or ./"),
    "Folder with addresses of further exporters, to watch several Redis: docs/operate/several-redis.md."
    " Dashboards then let you choose one. Unset: none.",
)
RQ_MON_WEB_URL: Variable[str | None] = Variable(
    "RQ_MON_WEB_URL",
    None,
    WEB_ADDRESS,
    "Address of the job pages, for the links in dashboards and alerts. Unset: this machine's.",
)


def _in_containers(name: str, default: str, meaning: str) -> Variable[str]:
    return Variable(name, default, TEXT, meaning)


OWN_IMAGE = _in_containers("RQ_MON_IMAGE", "rq-mon:local", "Name under which our own image is built.")
IMAGES = (
    _in_containers("PYTHON_IMAGE", "python:3.13-slim", "Base of our own image."),
    OWN_IMAGE,
    _in_containers("REDIS_IMAGE", "redis:8", "Redis, or Valkey."),
    _in_containers("REDIS_EXPORTER_IMAGE", "oliver006/redis_exporter:v1.86.0", "redis_exporter."),
    _in_containers("PROMETHEUS_IMAGE", "prom/prometheus:v3.5.3", "Prometheus."),
    _in_containers("ALERTMANAGER_IMAGE", "prom/alertmanager:v0.33.1", "Alertmanager."),
    _in_containers(
        "GRAFANA_IMAGE", "grafana/grafana:13.2.3", "Grafana; if it is missing, the viewer replaces it."
    ),
)
"""For a mirror or another version."""
MEMORY_LIMITS = (
    _in_containers("WORKER_MEMORY", "512m", "Each worker, its jobs included."),
    _in_containers(
        "REDIS_MEMORY", "640m", "Redis: REDIS_MAXMEMORY, plus room for the copy while it rewrites its file."
    ),
    _in_containers("PROMETHEUS_MEMORY", "1g", "Prometheus."),
)

VARIABLES: tuple[Variable[Any], ...] = (
    RUNTIME,
    PROJECT_NAME,
    WITH,
    *PORTS,
    *BIND_ADDRESSES,
    *NUMBERS.values(),
    QUEUES,
    STOP_GRACE,
    REDIS_MAXMEMORY,
    RETENTION_TIME,
    RETENTION_SIZE,
    GRAFANA_URL,
    REPOSITORY_URL,
    ALERT_RECEIVERS_DIR,
    RQ_MON_WEB_URL,
    SCRAPE_TARGETS_DIR,
    *IMAGES,
    *MEMORY_LIMITS,
)
"""Settings that the stack, or Compose, reads."""


def _handed_on(variable: Variable[Any]) -> Variable[Any]:
    if variable.name == CHANGES.name:
        unset = "Unset: yes; no if the stack only watches another Redis."
        return replace(variable, default=None, meaning=f"{variable.meaning} {unset}")
    if variable.name != REDIS_URL:
        return variable
    unset = (
        "Unset: the stack's own Redis. Set it to watch another one: the stack then starts no Redis,"
        " workers or cron."
    )
    return replace(variable, default=None, meaning=f"{variable.meaning} {unset}")


_SET_BY_THE_STACK = {
    *("RQ_EXPORTER_HOST", "RQ_MON_WEB_HOST", PASSWORD.name, PASSWORD_FILE.name),
    *(variable.name for variable in VARIABLES),
}
WEB_VARIABLES = tuple(variables_in(WebSettings).values())
HANDED_ON = tuple(
    _handed_on(variable)
    for variable in (*variables_in(Settings).values(), *WEB_VARIABLES, VIEWER_NAMES)
    if variable.name not in _SET_BY_THE_STACK
)
"""Settings of the stack's processes. The exporter's address depends on the runtime."""

SETTINGS: tuple[Variable[Any], ...] = (*VARIABLES, *HANDED_ON)
"""All settings of users."""
KNOWN_NAMES = frozenset(
    {YES, *REPLACED, *(variable.name for variable in SETTINGS)}
    | _SET_BY_THE_STACK
    | {service.bind_variable for service in SERVICES if service.bind_variable}
)
"""Names of all settings, and names that our processes read although the stack's users do not set them."""
