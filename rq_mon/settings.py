"""Settings of this package's processes, from environment variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from rq_mon.connection.address import check_files, check_redis_url, with_files
from rq_mon.environment.kinds import (
    HOST,
    HOST_NAMES,
    PATH,
    PORT,
    TEXT,
    WEB_ADDRESS,
    Kind,
    matching,
    one_of,
    whole_number,
)
from rq_mon.environment.variables import SettingsError as SettingsError
from rq_mon.environment.variables import Variable, read_fields, setting
from rq_mon.logs import LOG_FORMATS, LogFormat
from rq_mon.ports import RQ_EXPORTER_PORT

T = TypeVar("T")

SerializerName = Literal["pickle", "json"]
SERIALIZERS: tuple[SerializerName, ...] = get_args(SerializerName)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


Process = Literal["worker", "cron-scheduler", "exporter", "web", "rqmon"]
"""The kinds of processes in this package."""

PROCESSES: tuple[Process, ...] = get_args(Process)
WORKER: tuple[Process, ...] = ("worker",)
SCHEDULING: tuple[Process, ...] = ("worker", "cron-scheduler")
"""Processes that enqueue; jobs may, too."""
SERVICES: tuple[Process, ...] = ("worker", "cron-scheduler", "exporter", "web")
"""Processes that run until they are stopped, and write logs."""


FAILURE_TTL_SECONDS = 30 * 24 * 3600
"""Default of the stack's workers; plain RQ workers keep failed jobs for a year."""


def read_password(text: str) -> str:
    """Return the password in a file, whatever its mode: Docker mounts it readable by all.

    Raises:
        ValueError: the file does not have one; the message says what was expected.
    """
    expected = "a file with a password on its only line"
    try:
        password = Path(text).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{expected}, got {text}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{expected}, got {text}, which is not text") from error
    if not password or not password.isprintable():
        raise ValueError(f"{expected}, got {text}, which {'holds more' if password else 'is empty'}")
    return password


def _time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError from error


TIME_ZONE = Kind("an IANA time zone such as Europe/London", _time_zone)


LIST_NAME = matching("[A-Za-z0-9_.-]{1,100}", "1 to 100 letters, digits, '-', '_' and '.'")


def _setting(
    name: str,
    default: T,
    parse: Callable[[str], T],
    meaning: str,
    *,
    secret: bool = False,
    read_by: tuple[Process, ...] = PROCESSES,
) -> T:
    """A field of Settings that a variable of the environment sets, for the processes that read it."""
    return setting(Variable(name, default, parse, meaning), secret=secret, read_by=read_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of this package's processes. Times are in seconds."""

    redis_url: str = _setting(
        "RQ_REDIS_URL",
        "redis://127.0.0.1:6379/0",
        check_redis_url,
        "Address of Redis, for all processes: redis://, rediss:// (TLS), unix://, or redis+sentinel://.",
        secret=True,
    )
    """The address with user, password and TLS files."""
    redis_username: str | None = _setting(
        "RQ_REDIS_USERNAME", None, TEXT, "User of Redis, if the address names none. Unset: `default`."
    )
    redis_password: str | None = _setting(
        "RQ_REDIS_PASSWORD_FILE",
        None,
        read_password,
        "File with that user's password, which keeps it out of addresses and the environment.",
        secret=True,
    )
    redis_ca_file: Path | None = _setting(
        "RQ_REDIS_CA_FILE",
        None,
        PATH,
        "With rediss://: file with trusted CA certificates (PEM). Unset: the system's.",
    )
    redis_cert_file: Path | None = _setting(
        "RQ_REDIS_CERT_FILE",
        None,
        PATH,
        "With rediss://: file with the client certificate, if Redis requires one.",
    )
    redis_key_file: Path | None = _setting(
        "RQ_REDIS_KEY_FILE", None, PATH, "With rediss://: file with the key of that certificate."
    )
    serializer: SerializerName = _setting(
        "RQ_SERIALIZER",
        "pickle",
        one_of(SERIALIZERS),
        "Format of jobs' arguments and results: pickle, or json, which contains data only, never code.",
        read_by=(*SCHEDULING, "web", "rqmon"),
    )
    timezone: ZoneInfo = _setting(
        "SCHEDULER_TIMEZONE",
        ZoneInfo("UTC"),
        TIME_ZONE,
        "Time zone of cron expressions.",
        read_by=SCHEDULING,
    )
    cron_list: str = _setting(
        "SCHEDULER_CRON_LIST",
        "default",
        LIST_NAME,
        "Name of the list of cron jobs. Two applications that share a Redis need different names.",
        read_by=("cron-scheduler",),
    )
    cron_grace: int = _setting(
        "SCHEDULER_CRON_GRACE_SECONDS",
        3600,
        whole_number(0),
        "Missed ticks up to this age still run, once for all of them.",
        read_by=("cron-scheduler",),
    )
    worker_ttl: int = _setting(
        "RQ_WORKER_TTL_SECONDS",
        20,
        whole_number(16, 3600),
        "An idle worker sends a heartbeat at least every ttl - 15 s; RQ drops a dead one ttl + 60 s "
        "after its last heartbeat.",
        read_by=WORKER,
    )
    job_monitoring_interval: int = _setting(
        "RQ_JOB_MONITORING_INTERVAL_SECONDS",
        10,
        whole_number(1, 600),
        "How often a busy worker sends a heartbeat for its job.",
        read_by=WORKER,
    )
    maintenance_interval: int = _setting(
        "RQ_MAINTENANCE_INTERVAL_SECONDS",
        15,
        whole_number(1, 3600),
        "How often a worker looks for jobs of dead workers, and retries or fails them.",
        read_by=WORKER,
    )
    result_ttl: int = _setting(
        "RQ_RESULT_TTL_SECONDS",
        500,
        whole_number(0),
        "How long the result of a job is kept, unless it was enqueued with a result_ttl.",
        read_by=WORKER,
    )
    failure_ttl: int = _setting(
        "RQ_FAILURE_TTL_SECONDS",
        FAILURE_TTL_SECONDS,
        whole_number(1),
        "How long a failed job is kept, with its traceback, unless it was enqueued with a failure_ttl.",
        read_by=WORKER,
    )
    objectives_file: Path | None = _setting(
        "RQ_OBJECTIVES_FILE",
        None,
        PATH,
        "File with the objectives (SLOs) of each queue. Unset: objectives.yml in the working directory, if "
        "it exists.",
        read_by=("exporter", "rqmon"),
    )
    log_level: str = _setting(
        "RQ_LOG_LEVEL",
        "INFO",
        one_of(LOG_LEVELS),
        "Log level of workers, cron scheduler and exporter.",
        read_by=SERVICES,
    )
    log_format: LogFormat = _setting(
        "RQ_LOG_FORMAT",
        "text",
        one_of(LOG_FORMATS),
        "Format of their logs: text or json. In json, lines about a job have its id, its queue and its "
        "function.",
        read_by=SERVICES,
    )
    exporter_host: str = _setting(
        "RQ_EXPORTER_HOST", "127.0.0.1", HOST, "Address that the exporter listens on.", read_by=("exporter",)
    )
    exporter_port: int = _setting(
        "RQ_EXPORTER_PORT",
        RQ_EXPORTER_PORT,
        PORT,
        "Port that the exporter listens on.",
        read_by=("exporter",),
    )
    exporter_names: str = _setting(
        "RQ_EXPORTER_NAMES",
        "",
        HOST_NAMES,
        "Host names under which Prometheus reads the exporter. IP addresses, names without a dot, and"
        " names of Docker and Kubernetes always work.",
        read_by=("exporter",),
    )
    job_pages_url: str | None = _setting(
        "RQ_MON_WEB_URL",
        None,
        WEB_ADDRESS,
        "Address of the job pages, for links from dashboards. Unset: no links.",
        read_by=("exporter",),
    )
    version: str | None = _setting(
        "RQ_MON_VERSION",
        None,
        TEXT,
        "Version of the workers' code, at most 100 characters. Unset: the version that the image was built "
        "with, or the commit of their git checkout.",
        read_by=WORKER,
    )
    max_functions_per_queue: int = _setting(
        "RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE",
        200,
        whole_number(1),
        "Functions per queue that get their own series; the others count as `other`.",
        read_by=WORKER,
    )
    max_exceptions_per_function: int = _setting(
        "RQ_METRICS_MAX_EXCEPTIONS_PER_FUNCTION",
        50,
        whole_number(1),
        "Exception classes per function that get their own series; the others count as `other`.",
        read_by=WORKER,
    )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, only: Iterable[str] | None = None
    ) -> Settings:
        """Read all settings, or `only` these fields. Unset, empty and unread ones have their defaults.

        Raises:
            SettingsError: a value is invalid; the message has the variable and what is expected.
        """
        settings = cls(**read_fields(cls, os.environ if environment is None else environment, only))
        return replace(settings, redis_url=_with_files(settings, _with_credentials(settings)))


FILES_READ = ("RQ_REDIS_PASSWORD_FILE", "RQ_REDIS_CA_FILE", "RQ_REDIS_CERT_FILE", "RQ_REDIS_KEY_FILE")
"""Variables that name a file; it is read with the settings."""
FOR_EACH_JOB = ("RQ_REDIS_URL", "RQ_REDIS_USERNAME", *FILES_READ, "RQ_SERIALIZER", "SCHEDULER_TIMEZONE")


def settings_of_job() -> Settings:
    """Return the settings for enqueuing a job; the variables in FOR_EACH_JOB are checked each time.

    If they changed since the last job of this process, everything is read again. Not otherwise: reading
    certificates alone takes 30 ms.

    Raises:
        SettingsError: a value is invalid; the message has the variable and what is expected.
    """
    texts = {name: os.environ.get(name) for name in FOR_EACH_JOB}
    versions = tuple(_version(path.strip()) for name in FILES_READ if (path := texts[name]))
    return _settings(tuple(texts.values()), versions)


@lru_cache(maxsize=8)
def _settings(_texts: tuple[str | None, ...], _versions: tuple[object, ...]) -> Settings:
    return Settings.from_environment()


def _version(path: str) -> tuple[int, ...] | None:
    """Return a value that changes when a file is written or replaced; None if it cannot be read."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def settings_of_process() -> Settings:
    """Read all settings; end this process with a message if one is invalid."""
    try:
        return Settings.from_environment()
    except SettingsError as error:
        sys.exit(str(error))


def _with_credentials(settings: Settings) -> str:
    if settings.redis_username is None and settings.redis_password is None:
        return settings.redis_url
    url = urlsplit(settings.redis_url)
    if "@" in url.netloc:
        raise SettingsError(
            "RQ_REDIS_URL: expected an address without user and password,"
            " since RQ_REDIS_USERNAME or RQ_REDIS_PASSWORD_FILE is set"
        )
    user, password = (
        quote(settings.redis_username or "", safe=""),
        quote(settings.redis_password or "", safe=""),
    )
    return url._replace(netloc=f"{user}:{password}@{url.netloc}").geturl()


def settings_of(process: Process) -> tuple[Variable[Any], ...]:
    """Return the settings that a kind of process reads."""
    found = (each.metadata for each in fields(Settings))
    return tuple(metadata["variable"] for metadata in found if process in metadata["read_by"])


def variables_of(process: Process) -> frozenset[str]:
    """Return the names of the settings that a kind of process reads."""
    return frozenset(variable.name for variable in settings_of(process))


def _with_files(settings: Settings, url: str) -> str:
    files = {
        "RQ_REDIS_CA_FILE": settings.redis_ca_file,
        "RQ_REDIS_CERT_FILE": settings.redis_cert_file,
        "RQ_REDIS_KEY_FILE": settings.redis_key_file,
    }
    given = ", ".join(name for name, path in files.items() if path)
    try:
        url = with_files(url, *files.values())
    except ValueError as error:
        raise SettingsError(f"RQ_REDIS_URL: expected {error}, since {given} is set") from error
    try:
        check_files(url)
    except ValueError as error:
        raise SettingsError(f"{given or 'RQ_REDIS_URL'}: expected {error}") from error
    return url
