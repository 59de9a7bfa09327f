"""Settings of the stack as a whole: which runtime, which ports of this machine, how much is kept.

They come from the environment and, for what is not set there, from the file `.env` in the project's root:
the same file, with the same precedence, that docker compose reads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from rq_mon.settings import Settings, SettingsError
from stack.dotenv import read_dotenv
from stack.runtime import StackError
from stack.services import APPLICATION_SERVICES, REDIS, RQ_DASHBOARD, SERVICES, WORKERS, Service

PROJECT_ROOT = Path(__file__).resolve().parent.parent
STATE_DIRECTORY = PROJECT_ROOT / ".rq-mon"
"""All that a running stack writes: data, logs, secrets. Git ignores it."""

BACKUPS = PROJECT_ROOT / "backups"
"""Where backups go unless the user says otherwise. Git ignores it, and clean leaves it alone."""

DOTENV = PROJECT_ROOT / ".env"
SECRETS_DIRECTORY = STATE_DIRECTORY / "secrets"
"""Generated passwords, which both runtimes share."""

BIND_ADDRESS = "127.0.0.1"
"""Ports are for this machine only, unless the user opens one: Redis runs what it is given."""
HAS_NO_LOGIN = "has no login; to let others in, put a proxy with a login before it (docs/security.md)"
"""Why a port stays closed."""
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - what a user may choose


REDIS_URL = "RQ_REDIS_URL"
"""Read by rq_mon/settings.py; set for the stack, it names a Redis to use instead of an own one."""
REDIS_USERNAME = "RQ_REDIS_USERNAME"
REDIS_PASSWORD_FILE = "RQ_REDIS_PASSWORD_FILE"  # noqa: S105 - the name of a variable
"""The user of that Redis. In the stack's own each service has its own, whatever an application is told."""
REDIS_TLS_FILES = ("RQ_REDIS_CA_FILE", "RQ_REDIS_CERT_FILE", "RQ_REDIS_KEY_FILE")
"""Certificates for a Redis that speaks TLS."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment, its default, and what it may hold."""

    name: str
    default: str
    pattern: str
    expected: str


RUNTIME = Variable("RUNTIME", "", "compose|native", "compose or native")
WITH = Variable("WITH", "", RQ_DASHBOARD.name, RQ_DASHBOARD.name)
STOP_GRACE = Variable("STOP_GRACE_SECONDS", "190", "[0-9]{1,5}", "a whole number of seconds")
REDIS_MAXMEMORY = Variable("REDIS_MAXMEMORY", "256mb", "[1-9][0-9]*(kb|mb|gb)", "a size such as 256mb or 1gb")
RETENTION_TIME = Variable(
    "PROMETHEUS_RETENTION_TIME", "30d", "[1-9][0-9]*(h|d|w|y)", "a duration such as 12h or 30d"
)
RETENTION_SIZE = Variable(
    "PROMETHEUS_RETENTION_SIZE", "4GB", "[1-9][0-9]*(MB|GB|TB)", "a size such as 512MB or 4GB"
)
PORTS = tuple(
    {
        service.port_variable: Variable(
            service.port_variable,
            str(service.port),
            "0*(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})",
            "a port, a whole number from 1 to 65535",
        )
        for service in SERVICES
        if service.port_variable
    }.values()
)
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
BIND_ADDRESSES = tuple(
    Variable(
        service.bind_variable,
        BIND_ADDRESS,
        rf"{_OCTET}(\.{_OCTET}){{3}}",
        f"an IPv4 address of this machine, or {ANY_ADDRESS} for all it has",
    )
    for service in SERVICES
    if service.bind_variable and service.has_login
)
"""What opens a port to other machines; what has no login has no such variable."""
NUMBERS = {
    service: Variable(service.number_variable, "1", "0*[1-9][0-9]?", "a whole number from 1 to 99")
    for service in WORKERS.values()
    if service.number_variable
}
"""How many workers each queue has."""
GRAFANA_URL = Variable("GRAFANA_URL", "", r"https?://\S*[^\s/]", "a URL that does not end with /")
REPOSITORY_URL = Variable("REPOSITORY_URL", "", r"https?://\S+/", "a URL that ends with /")
ALERT_RECEIVERS_DIR = Variable("ALERT_RECEIVERS_DIR", "", ".+", "a folder")
SCRAPE_TARGETS_DIR = Variable(
    "SCRAPE_TARGETS_DIR", "", r"\.{0,2}/.+", "the path of a folder, with a / at its beginning or ./ before it"
)
RQ_DASHBOARD_URL = Variable(
    "RQ_DASHBOARD_URL", "http://127.0.0.1:9181", GRAFANA_URL.pattern, GRAFANA_URL.expected
)
ALERTING = (GRAFANA_URL, REPOSITORY_URL, ALERT_RECEIVERS_DIR)
"""Where the links of alerts lead, and who is told of them: read by Prometheus and Alertmanager."""
VARIABLES = (
    RUNTIME,
    WITH,
    *PORTS,
    *BIND_ADDRESSES,
    *NUMBERS.values(),
    STOP_GRACE,
    REDIS_MAXMEMORY,
    RETENTION_TIME,
    RETENTION_SIZE,
    RQ_DASHBOARD_URL,
    SCRAPE_TARGETS_DIR,
    *ALERTING,
)


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What the user chose."""

    runtime: str | None
    """The runtime asked for, None to take what this machine can."""
    ports: Mapping[str, int]
    """Port on this machine by its variable (Service.port_variable)."""
    bind_addresses: Mapping[str, str]
    """Where services with a login listen, by the variable (Service.bind_variable)."""
    numbers: Mapping[Service, int]
    """How many of a worker run."""
    stop_grace: int
    """Seconds that a job which runs at the stop has to end. RQ's own limit for a job is 180 s."""
    redis_maxmemory: str
    """Where Redis begins to refuse new jobs."""
    retention_time: str
    retention_size: str
    """How much Prometheus keeps: what is older, or too much, goes."""
    with_rq_dashboard: bool
    """Whether rq-dashboard is to be started; one that runs goes on in any case."""
    rq_dashboard_url: str
    """Where a click on a job leads; nothing is fetched from there."""
    environment: Mapping[str, str]
    """The environment with `.env` filled in: for the processes of the stack, and for docker compose."""

    def port(self, service: Service) -> int:
        """Return the port on this machine of a service that has one."""
        if service.port_variable is None:
            raise ValueError(f"{service.name} has no port")
        return self.ports[service.port_variable]

    def bind_address(self, service: Service) -> str:
        """Return the address on which a service listens."""
        return self.bind_addresses.get(service.bind_variable or "", BIND_ADDRESS)

    def is_open(self, service: Service) -> bool:
        """Tell whether the user has opened a service's port to other machines."""
        return self.bind_address(service) != BIND_ADDRESS

    def host(self, service: Service) -> str:
        """Return where programs on this machine reach a service."""
        address = self.bind_address(service)
        return BIND_ADDRESS if address == ANY_ADDRESS else address

    def address(self, service: Service) -> str:
        """Return host and port where programs on this machine reach a service that has one."""
        return f"{self.host(service)}:{self.port(service)}"

    def number(self, service: Service) -> int:
        """Return how many of a service run."""
        return self.numbers.get(service, 1)

    def given(self, *variables: Variable) -> dict[str, str]:
        """Return the values, by name, of those variables that the user has set."""
        values = {variable.name: self.environment.get(variable.name, "").strip() for variable in variables}
        return {name: value for name, value in values.items() if value}

    def scrape_targets(self) -> Path | None:
        """Return the folder with the addresses of further exporters, None if there is none."""
        folder = self.given(SCRAPE_TARGETS_DIR).get(SCRAPE_TARGETS_DIR.name)
        return PROJECT_ROOT / folder if folder else None

    def redis_url(self) -> str:
        """Return the address, for programs on this machine, of the Redis that holds the queues.

        How they get in there is in stack/redis_access.py.
        """
        return self._given_redis_url() or f"redis://{self.address(REDIS)}/0"

    def has_own_redis(self) -> bool:
        """Tell whether that is the stack's own Redis, and not one that RQ_REDIS_URL names."""
        given = urlsplit(self._given_redis_url())
        if not given.scheme:
            return True
        if given.scheme != "redis":  # the stack's own has no TLS and no Sentinels
            return False
        address = given.username, given.password, given.hostname, given.port or REDIS.port
        host = self.host(REDIS)
        names = (host, "localhost") if host == BIND_ADDRESS else (host,)
        return address in {(None, None, name, self.port(REDIS)) for name in names}

    def services_elsewhere(self) -> frozenset[Service]:
        """Return the services that are not started: with another Redis those of its application.

        Workers of ours would take its jobs, and a cron scheduler of ours would cancel its cron jobs.
        """
        return frozenset() if self.has_own_redis() else frozenset(APPLICATION_SERVICES)

    def _given_redis_url(self) -> str:
        return self.environment.get(REDIS_URL, "").strip()

    def url(self, service: Service) -> str | None:
        """Return the address that people open, None for a service without a page."""
        if service.ui_path is None:
            return None
        return f"http://{self.address(service)}{service.ui_path}"


def load_settings(environment: Mapping[str, str] | None = None, dotenv: Path = DOTENV) -> StackSettings:
    """Read the settings; a variable that is unset or empty keeps its default.

    Raises:
        StackError: a value cannot be used; the message names every such variable and what is expected.
    """
    environment = read_dotenv(dotenv) | dict(os.environ if environment is None else environment)
    values = {variable: environment.get(variable.name, "").strip() for variable in VARIABLES}
    problems = [
        f"{variable.name}: expected {variable.expected}, got {text!r}"
        for variable, text in values.items()
        if text and not re.fullmatch(variable.pattern, text)
    ]
    problems += _opened_without_login(environment)
    try:
        Settings.from_environment(_of_the_processes(environment))
    except SettingsError as error:
        problems.append(str(error))
    folder = values[SCRAPE_TARGETS_DIR]
    if not problems and folder and not (PROJECT_ROOT / folder).is_dir():
        problems.append(f"{SCRAPE_TARGETS_DIR.name}: expected a folder that exists, got {folder!r}")
    if not problems:
        problems = _shared_ports({port.name: values[port] or port.default for port in PORTS})
    if problems:
        raise StackError("\n".join(problems))
    ports = {port.name: int(values[port] or port.default) for port in PORTS}
    settings = StackSettings(
        runtime=values[RUNTIME] or None,
        ports=ports,
        bind_addresses={each.name: values[each] or each.default for each in BIND_ADDRESSES},
        numbers={service: int(values[number] or number.default) for service, number in NUMBERS.items()},
        stop_grace=int(values[STOP_GRACE] or STOP_GRACE.default),
        redis_maxmemory=values[REDIS_MAXMEMORY] or REDIS_MAXMEMORY.default,
        retention_time=values[RETENTION_TIME] or RETENTION_TIME.default,
        retention_size=values[RETENTION_SIZE] or RETENTION_SIZE.default,
        with_rq_dashboard=values[WITH] == RQ_DASHBOARD.name,
        rq_dashboard_url=values[RQ_DASHBOARD_URL],
        environment=environment,
    )
    if settings.rq_dashboard_url:
        return settings
    return replace(settings, rq_dashboard_url=f"http://{settings.address(RQ_DASHBOARD)}")


def _opened_without_login(environment: Mapping[str, str]) -> list[str]:
    """Refuse what would show pages without a login to other machines, rather than leave it unread."""
    can_be_opened = {each.name for each in BIND_ADDRESSES}
    closed = {service.bind_variable: service for service in SERVICES if service.bind_variable}
    given = {name: environment.get(name, "").strip() for name in closed if name not in can_be_opened}
    return [
        f"{name}: expected {BIND_ADDRESS}, got {address!r}: {closed[name].name} {HAS_NO_LOGIN}"
        for name, address in given.items()
        if address not in ("", BIND_ADDRESS)
    ]


def _of_the_processes(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out who an application is in the stack's own Redis, where passwords may not be made yet."""
    if environment.get(REDIS_URL, "").strip():
        return environment
    return {
        name: value
        for name, value in environment.items()
        if name not in (REDIS_USERNAME, REDIS_PASSWORD_FILE)
    }


def _shared_ports(ports: Mapping[str, str]) -> list[str]:
    names_by_port: dict[int, list[str]] = {}
    for name, text in ports.items():
        names_by_port.setdefault(int(text), []).append(name)
    return [
        f"{' and '.join(names)}: expected different ports, got {port} for each"
        for port, names in names_by_port.items()
        if len(names) > 1
    ]
