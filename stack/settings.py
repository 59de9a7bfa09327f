"""Settings of the whole stack: the runtime, ports of this machine, how much data to keep.

They come from the environment and, if not set there, from the file `.env` in the project's root. Docker
compose reads the same file with the same precedence.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rq_mon.connection.address import options_of_python_alone
from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.variables import SettingsError, Variable, read_all
from rq_mon.settings import Settings
from stack.misspelt import misspelt
from stack.queues import WORKERS_OF_A_QUEUE, worker_of, written
from stack.runtime import StackError
from stack.services import APPLICATION_SERVICES, GRAFANA, REDIS, RQ_MON_WEB, SERVICES, WORKERS, Service
from stack.variables import (
    ANY_ADDRESS,
    BIND_ADDRESS,
    BIND_ADDRESSES,
    FOR_THIS_MACHINE,
    GRAFANA_URL,
    KNOWN_NAMES,
    NUMBERS,
    PORTS,
    QUEUES,
    REDIS_MAXMEMORY,
    REDIS_PASSWORD_FILE,
    REDIS_URL,
    REDIS_USERNAME,
    REPLACED,
    RETENTION_SIZE,
    RETENTION_TIME,
    RQ_MON_WEB_URL,
    RUNTIME,
    SCRAPE_TARGETS_DIR,
    SETTINGS,
    STOP_GRACE,
    VARIABLES,
    WITH,
)

PROJECT_ROOT = Path(__file__).resolve().parent.parent
STATE_DIRECTORY = PROJECT_ROOT / ".rq-mon"
"""Everything that a running stack writes: data, logs, secrets. Git ignores it."""

BACKUPS = PROJECT_ROOT / "backups"
"""The default folder of backups. Git ignores it, and clean keeps it."""

DOTENV = PROJECT_ROOT / ".env"
SECRETS_DIRECTORY = STATE_DIRECTORY / "secrets"
"""Generated passwords, which both runtimes share."""


@dataclass(frozen=True, slots=True)
class StackSettings:
    """The user's settings."""

    runtime: str | None
    """The requested runtime. None: choose one that works on this machine."""
    ports: Mapping[str, int]
    """Ports on this machine, by variable (Service.port_variable)."""
    bind_addresses: Mapping[str, str]
    """Addresses on which services with a login listen, by variable (Service.bind_variable)."""
    numbers: Mapping[Service, int]
    """The number of workers of each kind, in the user's order of queues."""
    stop_grace: int
    """Grace period in seconds for running jobs when the stack stops. RQ's default job timeout is 180 s."""
    redis_maxmemory: str
    """Memory limit above which Redis refuses new jobs."""
    retention_time: str
    retention_size: str
    """The age and the size at which Prometheus deletes data."""
    environment: Mapping[str, str]
    """The environment with `.env` added, for the stack's processes and for docker compose."""
    inherited: Mapping[str, str]
    """The environment without any setting: what a process may keep while it runs."""
    given: frozenset[str]
    """Settings from the command line or the environment that differ from `.env`."""

    def port(self, service: Service) -> int:
        """Return the port of a service on this machine."""
        if service.port_variable is None:
            raise ValueError(f"{service.name} has no port")
        return self.ports[service.port_variable]

    def bind_address(self, service: Service) -> str:
        return self.bind_addresses.get(service.bind_variable or "", BIND_ADDRESS)

    def is_open(self, service: Service) -> bool:
        """Return whether the user has opened the service's port to other machines."""
        return self.bind_address(service) != BIND_ADDRESS

    def host(self, service: Service) -> str:
        """Return the host at which programs on this machine reach a service."""
        address = self.bind_address(service)
        return BIND_ADDRESS if address == ANY_ADDRESS else address

    def address(self, service: Service) -> str:
        """Return host and port at which programs on this machine reach a service."""
        return f"{self.host(service)}:{self.port(service)}"

    def number(self, service: Service) -> int:
        """Return the number of processes of a service."""
        return self.numbers.get(service, 0) if service.queue else 1

    def services(self) -> Sequence[Service]:
        """Return the services that run, in the order of stack/services.py."""
        workers = [worker for worker, number in self.numbers.items() if number]
        first = next(position for position, service in enumerate(SERVICES) if service.queue)
        others = [service for service in SERVICES if not service.queue]
        return [*others[:first], *workers, *others[first:]]

    def idle_workers(self) -> Sequence[Service]:
        """Return workers that do not run: their queue has 0 workers, or is an unnamed default queue."""
        return [
            worker
            for worker in {**self.numbers, **dict.fromkeys(WORKERS.values())}
            if not self.number(worker)
        ]

    def scaled(self, queue: str, workers: str) -> tuple[Variable[Any], str]:
        """Return the variable, and its value, that gives a queue this number of workers.

        Raises:
            StackError: the stack does not run this queue, or the number is out of range.
        """
        worker = {worker.queue: worker for worker in self.numbers}.get(queue)
        if worker is None:
            raise StackError(
                f"QUEUE: expected {' or '.join(str(each.queue) for each in self.numbers)}, got {queue!r}"
            )
        listed = QUEUES.name in self.user_set(QUEUES)
        try:
            number = (WORKERS_OF_A_QUEUE if listed else NUMBERS[worker].parse)(workers)
        except ValueError as error:
            raise StackError(f"WORKERS: expected {error}") from error
        if not listed:
            return NUMBERS[worker], workers
        numbers = {str(each.queue): self.numbers[each] for each in self.numbers}
        return QUEUES, written(numbers | {queue: number})

    def user_set(self, *variables: Variable[Any]) -> dict[str, str]:
        """Return name and value of those variables that the user has set."""
        values = {variable.name: self.environment.get(variable.name, "").strip() for variable in variables}
        return {name: value for name, value in values.items() if value}

    def job_pages_url(self) -> str:
        """Return the URL of the job pages for people."""
        return self.user_set(RQ_MON_WEB_URL).get(RQ_MON_WEB_URL.name, f"http://{self.address(RQ_MON_WEB)}")

    def grafana_url(self) -> str:
        """Return the URL of Grafana or the viewer for people, without a slash at its end."""
        return self.user_set(GRAFANA_URL).get(GRAFANA_URL.name, f"http://{self.address(GRAFANA)}")

    def notes_of_replaced(self) -> list[str]:
        """Name outdated settings of rq-dashboard, each with its successor."""
        given = {name: new for name, new in REPLACED.items() if self.environment.get(name, "").strip()}
        notes = [f"{name} is no longer read: use {new}" for name, new in given.items()]
        if self.user_set(WITH):
            notes.append("the job pages replace rq-dashboard, so WITH is no longer needed")
        return notes

    def scrape_targets(self) -> Path | None:
        """Return the folder of scrape targets, None if there is none."""
        folder = self.user_set(SCRAPE_TARGETS_DIR).get(SCRAPE_TARGETS_DIR.name)
        return PROJECT_ROOT / folder if folder else None

    def redis_url(self) -> str:
        """Return the URL of the Redis with the queues, for programs on this machine.

        Users and passwords are in stack/redis_access.py.
        """
        return self._given_redis_url() or f"redis://{self.address(REDIS)}/0"

    def has_own_redis(self) -> bool:
        """Return whether the stack runs its own Redis: RQ_REDIS_URL names no other one."""
        given = urlsplit(self._given_redis_url())
        if not given.scheme:
            return True
        if given.scheme != "redis":  # the stack's own Redis has no TLS and no Sentinels
            return False
        address = given.username, given.password, given.hostname, given.port or REDIS.port
        host = self.host(REDIS)
        names = (host, "localhost") if host == BIND_ADDRESS else (host,)
        return address in {(None, None, name, self.port(REDIS)) for name in names}

    def external_services(self) -> frozenset[Service]:
        """Return the services that are not started: with another Redis the application runs its own.

        Our workers would take its jobs, and our cron scheduler would enqueue its ticks.
        """
        return frozenset() if self.has_own_redis() else frozenset((*APPLICATION_SERVICES, *self.numbers))

    def with_own_redis(self) -> StackSettings:
        """Return these settings without the other Redis."""
        return replace(self, environment={**self.environment, REDIS_URL: ""})

    def _given_redis_url(self) -> str:
        return self.environment.get(REDIS_URL, "").strip()

    def url(self, service: Service) -> str | None:
        """Return the URL of a service's web page, None if it has none."""
        if service.ui_path is None:
            return None
        return f"http://{self.address(service)}{service.ui_path}"


def load_settings(environment: Mapping[str, str] | None = None, dotenv: Path = DOTENV) -> StackSettings:
    """Read the settings. An unset or empty variable keeps its default.

    Raises:
        StackError: values are invalid. The message names each variable, its value and what is expected.
    """
    try:
        kept = read_dotenv(dotenv)
    except SettingsError as error:
        raise StackError(str(error)) from error
    around = dict(os.environ if environment is None else environment)
    environment = kept | around
    values = _checked(environment, misspelt(kept))
    return StackSettings(
        runtime=values[RUNTIME.name],
        ports={each.name: values[each.name] for each in PORTS},
        bind_addresses={each.name: values[each.name] for each in BIND_ADDRESSES},
        numbers=_numbers(values),
        stop_grace=values[STOP_GRACE.name],
        redis_maxmemory=values[REDIS_MAXMEMORY.name],
        retention_time=values[RETENTION_TIME.name],
        retention_size=values[RETENTION_SIZE.name],
        environment=environment,
        inherited={name: value for name, value in around.items() if name not in KNOWN_NAMES},
        given=frozenset(
            each.name for each in SETTINGS if around.get(each.name, "") not in ("", kept.get(each.name))
        ),
    )


def _numbers(values: Mapping[str, Any]) -> Mapping[Service, int]:
    if values[QUEUES.name] is None:
        return {worker: values[number.name] for worker, number in NUMBERS.items()}
    return {worker_of(queue): number for queue, number in values[QUEUES.name].items()}


def _checked(environment: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Return the values. Raise one StackError with these problems and all others."""
    values: dict[str, Any] = {}
    try:
        values = read_all(VARIABLES, environment)
    except SettingsError as error:
        problems += str(error).splitlines()
    problems += [*_opened_without_login(environment), *_numbers_beside_queues(environment)]
    try:
        Settings.from_environment(_of_the_processes(environment))
    except SettingsError as error:
        problems += str(error).splitlines()
    else:
        problems += _not_followed(environment.get(REDIS_URL, "").strip())
    if not problems:
        problems += [*_missing_folder(values[SCRAPE_TARGETS_DIR.name]), *_shared_ports(values)]
    if problems:
        raise StackError("\n".join(dict.fromkeys(problems)))  # processes read some of the variables, too
    return values


def _missing_folder(folder: str | None) -> list[str]:
    if folder is None or (PROJECT_ROOT / folder).is_dir():
        return []
    return [f"{SCRAPE_TARGETS_DIR.name}: expected a folder that exists, got {folder!r}"]


def _opened_without_login(environment: Mapping[str, str]) -> list[str]:
    """Refuse settings that would open a service without a login to other machines."""
    can_be_opened = {each.name for each in BIND_ADDRESSES}
    closed = {service.bind_variable: service for service in SERVICES if service.bind_variable}
    given = {name: environment.get(name, "").strip() for name in closed if name not in can_be_opened}
    return [
        f"{name}: expected {BIND_ADDRESS}, got {address!r}: {closed[name].name} {FOR_THIS_MACHINE}"
        for name, address in given.items()
        if address not in ("", BIND_ADDRESS)
    ]


def _numbers_beside_queues(environment: Mapping[str, str]) -> list[str]:
    """Refuse both settings for the number of workers of a queue at once."""
    if not environment.get(QUEUES.name, "").strip():
        return []
    given = {each.name: environment.get(each.name, "").strip() for each in NUMBERS.values()}
    return [
        f"{name}: expected it unset, because {QUEUES.name} sets the workers of every queue; got {value!r}"
        for name, value in given.items()
        if value
    ]


def _not_followed(redis_url: str) -> list[str]:
    names = ", ".join(options_of_python_alone(redis_url))
    programs = "redis-cli and redis-exporter do not know"
    return [f"{REDIS_URL}: expected an address without {names}, which {programs}"] if names else []


def _of_the_processes(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out the application's user in the stack's own Redis: the passwords may not exist yet."""
    if environment.get(REDIS_URL, "").strip():
        return environment
    return {
        name: value
        for name, value in environment.items()
        if name not in (REDIS_USERNAME, REDIS_PASSWORD_FILE)
    }


def _shared_ports(values: Mapping[str, Any]) -> list[str]:
    names_by_port: dict[int, list[str]] = {}
    for port in PORTS:
        names_by_port.setdefault(values[port.name], []).append(port.name)
    return [
        f"{' and '.join(names)}: expected different ports, got {port} for each"
        for port, names in names_by_port.items()
        if len(names) > 1
    ]
