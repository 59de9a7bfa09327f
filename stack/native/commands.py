"""How each service runs as a local process: its command line and its environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from grafana.viewer.settings import NAMES as VIEWER_NAMES
from rq_mon.environment.dotenv import read_dotenv
from rq_mon.settings import Process, variables_of
from rq_mon.web.settings import CHANGES, PASSWORD_FILE
from stack import services
from stack.alertmanager_login import PASSWORD as ALERTMANAGER_PASSWORD
from stack.alertmanager_login import write_web_config
from stack.native import programs
from stack.native.accounts import Account, Accounts
from stack.native.prometheus_config import SHARED_PASSWORD
from stack.native.receivers import hand_receivers
from stack.redis_access import RedisAccess, access_of
from stack.redis_exporter import tls_variables, watched, write_passwords
from stack.redis_users import EXPORTER, OPERATOR, PROBE, WORKER, RedisUser, write_users
from stack.secrets import GRAFANA_ADMIN_PASSWORD, WEB_PASSWORD, ensure_secret, write_private
from stack.services import SERVICES, Service
from stack.settings import PROJECT_ROOT, SECRETS_DIRECTORY, StackSettings
from stack.variables import ALERT_RECEIVERS_DIR, GRAFANA_URL, REPOSITORY_URL, RQ_MON_WEB_URL, WEB_VARIABLES

NO_OTHER_ORIGIN = "--web.cors.origin=none"
"""Pages of other origins may not read Prometheus' answers. Its default allows all."""
NO_SCRAPES_ELSEWHERE = "REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT"
"""Its page /scrape connects to any address in a request. Exporters before 1.83 ignore this."""
FOR_GRACE_PERIOD = "--rules.alert.for-grace-period=1m"
"""Alerts keep their age across a restart of Prometheus. With its default of 10m, only the longest would."""

STOPS_WITHIN = 60

PACKAGES = PROJECT_ROOT / "requirements" / "runtime.txt"
"""The lock file. Other versions of packages start other Python processes."""


@dataclass(frozen=True, slots=True)
class Command:
    """What supervisord runs for a service."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Path, ...] = ()
    """Files and folders that are read at the start: the service is restarted when they change."""
    stop_within: int = STOPS_WITHIN
    """Seconds from SIGTERM to SIGKILL."""
    number: int = 1
    """How many of it run side by side."""
    user: str = ""
    """Who runs it; empty for whoever starts the stack."""


@dataclass(frozen=True, slots=True)
class NativeContext:
    """What every command needs: the settings, the data folder, and the users that run the services."""

    settings: StackSettings
    directory: Path
    accounts: Accounts | None = None
    """None: the user who starts the stack runs everything."""

    @property
    def prometheus_config(self) -> Path:
        """The path of this machine's prometheus.yml."""
        return self.directory / "prometheus.yml"

    @property
    def secrets(self) -> Path:
        """The folder of generated passwords."""
        return self.directory.parent / SECRETS_DIRECTORY.name

    def access(self, user: RedisUser) -> RedisAccess:
        """Return how a process connects to Redis as this user."""
        return access_of(user, self.settings, self.secrets)

    def home(self, account: Account) -> Path:
        """Return the private folder of a user; create it if it is missing."""
        path = self.directory / account.name
        path.mkdir(mode=0o700, exist_ok=True)
        os.chown(path, account.uid, account.gid)
        return path

    def hand(self, file: Path, service: Service, name: str) -> Path:
        """Return the path of a private file that a service can read: a copy, if the service has its own user.

        Args:
            file: the file to hand over
            service: the service that reads it
            name: the name of the copy
        """
        if self.accounts is None:
            return file
        account = self.accounts.of(service)
        copy = self.home(account) / name
        write_private(copy, file.read_text(encoding="utf-8"), (account.uid, account.gid))
        return copy

    def secret(self, name: str, service: Service) -> Path:
        """Return the path of a generated password that the service can read."""
        return self.hand(ensure_secret(self.secrets, name), service, name)

    def handed_access(self, user: RedisUser, service: Service) -> RedisAccess:
        """Return how a service connects to Redis as this user, with files that the service can read."""
        access = self.access(user)
        tls = {name: self.hand(file, service, name.lower()) for name, file in access.tls_files.items()}
        password = access.password_file and self.hand(access.password_file, service, user.secret)
        return replace(access, password_file=password, tls_files=tls)

    def receivers(self) -> dict[str, str]:
        """Return the variable that names Alertmanager's folder of receivers, if the user set it."""
        given = self.settings.user_set(ALERT_RECEIVERS_DIR)
        if self.accounts is None or not given:
            return given
        folder = PROJECT_ROOT / given[ALERT_RECEIVERS_DIR.name]
        copy = self.directory / "receivers"
        hand_receivers(folder, copy, self.accounts.services)
        return {ALERT_RECEIVERS_DIR.name: str(copy)}

    def data(self, service: Service) -> Path:
        """Return the data folder of a service; create it if it is missing."""
        path = self.directory / service.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def listen(self, service: Service) -> str:
        """Return the address and port on which a service listens."""
        return f"{self.settings.bind_address(service)}:{self.settings.port(service)}"

    def url(self, service: Service) -> str:
        """Return the URL of a service that speaks HTTP."""
        return f"http://{self.settings.address(service)}"


def command(service: Service, context: NativeContext) -> Command:
    """Return how to run the service.

    Raises:
        StackError: its program is not installed.
    """
    run = (COMMANDS.get(service) or _worker(service))(context)
    if context.accounts is None:
        return run
    account = context.accounts.of(service)
    identity = {"HOME": str(context.home(account)), "USER": account.name, "LOGNAME": account.name}
    return replace(run, user=account.name, environment={**run.environment, **identity})


def _redis(context: NativeContext) -> Command:
    config = PROJECT_ROOT / "stack" / "redis.conf"
    users = context.data(services.REDIS) / "users.acl"
    write_users(users, context.secrets)
    arguments = (
        *(programs.REDIS_SERVER.path(), str(config), "--aclfile", str(users)),
        *("--bind", context.settings.bind_address(services.REDIS)),
        *("--port", str(context.settings.port(services.REDIS))),
        *("--dir", str(context.data(services.REDIS)), "--maxmemory", context.settings.redis_maxmemory),
    )
    return Command(arguments, sources=(config, users))


def _python(
    context: NativeContext,
    service: Service,
    user: RedisUser,
    process: Process,
    arguments: tuple[str, ...],
    *sources: str,
) -> Command:
    given = context.settings.environment
    environment = {name: given[name] for name in sorted(variables_of(process) & given.keys())}
    access = context.handed_access(user, service)
    environment |= {**access.environment(), "PYTHONUNBUFFERED": "1"}
    password = (access.password_file,) if access.password_file else ()
    read = (PACKAGES, *(PROJECT_ROOT / source for source in sources), *password, *access.tls_files.values())
    return Command((sys.executable, *arguments), environment, read)


APPLICATION = ("rq_mon", "scheduler", "demo", "cron_jobs.py")


def _script(service: Service, process: Process) -> Callable[[NativeContext], Command]:
    script = f"{service.name}.py"
    return lambda context: _python(context, service, WORKER, process, (script,), script, *APPLICATION)


def _module(service: Service, context: NativeContext) -> Command:
    arguments = ("-m", "scheduler.worker_process", str(service.queue))
    return _python(context, service, WORKER, "worker", arguments, *APPLICATION)


def _worker(service: Service) -> Callable[[NativeContext], Command]:
    run = _script(service, "worker") if service in SERVICES else partial(_module, service)
    return lambda context: replace(
        run(context), stop_within=context.settings.stop_grace, number=context.settings.number(service)
    )


def _rq_exporter(context: NativeContext) -> Command:
    run = _python(context, services.RQ_EXPORTER, EXPORTER, "exporter", ("-m", "rq_mon.exporter"), "rq_mon")
    port = str(context.settings.port(services.RQ_EXPORTER))
    listen = {
        "RQ_EXPORTER_HOST": context.settings.bind_address(services.RQ_EXPORTER),
        "RQ_EXPORTER_PORT": port,
        RQ_MON_WEB_URL.name: context.settings.job_pages_url(),
    }
    return Command(run.arguments, {**run.environment, **listen}, run.sources)


def _redis_exporter(context: NativeContext) -> Command:
    given = context.handed_access(PROBE, services.REDIS_EXPORTER)
    access = watched(given)
    passwords = context.data(services.REDIS_EXPORTER) / "passwords.json"
    write_passwords(passwords, given)
    return Command(
        (programs.REDIS_EXPORTER.path(), f"-web.listen-address={context.listen(services.REDIS_EXPORTER)}"),
        {
            # In the environment: it may hold a password, and every user can read command lines.
            "REDIS_ADDR": access.address,
            "REDIS_USER": access.username,
            "REDIS_PASSWORD_FILE": str(passwords),
            NO_SCRAPES_ELSEWHERE: "true",
            **tls_variables(given),
        },
        sources=(passwords,),
    )


def _prometheus(context: NativeContext) -> Command:
    settings = context.settings
    return Command(
        (
            programs.PROMETHEUS.path(),
            f"--config.file={context.prometheus_config}",
            f"--storage.tsdb.path={context.data(services.PROMETHEUS)}",
            f"--storage.tsdb.retention.time={settings.retention_time}",
            f"--storage.tsdb.retention.size={settings.retention_size}",
            "--enable-feature=exemplar-storage,expand-external-labels",
            FOR_GRACE_PERIOD,
            f"--web.listen-address={context.listen(services.PROMETHEUS)}",
            f"--web.external-url={context.url(services.PROMETHEUS)}/",
            NO_OTHER_ORIGIN,
        ),
        {
            GRAFANA_URL.name: context.url(services.GRAFANA),
            REPOSITORY_URL.name: f"{context.settings.job_pages_url()}/",
            RQ_MON_WEB_URL.name: context.settings.job_pages_url(),
            **settings.user_set(GRAFANA_URL, REPOSITORY_URL),
        },
        sources=(
            *(context.prometheus_config, PROJECT_ROOT / "prometheus" / "rules"),
            context.secret(ALERTMANAGER_PASSWORD, services.PROMETHEUS),
        ),
    )


def _alertmanager(context: NativeContext) -> Command:
    data = context.data(services.ALERTMANAGER)
    shared = PROJECT_ROOT / "prometheus"
    login = data / "web.yml"
    write_web_config(login, context.secrets)
    receivers = context.receivers()
    return Command(
        (
            *("sh", str(shared / "alertmanager.sh"), programs.ALERTMANAGER.path()),
            str(data / "alertmanager.yml"),
            f"--storage.path={data}",
            "--data.retention=120h",
            "--cluster.listen-address=",
            f"--web.config.file={login}",
            f"--web.listen-address={context.listen(services.ALERTMANAGER)}",
            f"--web.external-url={context.url(services.ALERTMANAGER)}/",
        ),
        receivers,
        sources=(
            *(shared / "alertmanager.yml", shared / "alertmanager.sh", login),
            *(PROJECT_ROOT / folder for folder in receivers.values()),
        ),
    )


def _grafana(context: NativeContext) -> Command:
    program = Path(programs.GRAFANA.path())
    packaged = Path("/usr/share/grafana")
    home = packaged if packaged.is_dir() else program.resolve().parent.parent
    folder = PROJECT_ROOT / "grafana"
    data = str(context.data(services.GRAFANA))
    files = [
        "grafana.env",
        *(["grafana-with-login.env"] if context.settings.is_open(services.GRAFANA) else []),
    ]
    environment = {
        **{name: value for file in files for name, value in read_dotenv(folder / file).items()},
        "GF_SERVER_HTTP_ADDR": context.settings.bind_address(services.GRAFANA),
        "GF_SERVER_HTTP_PORT": str(context.settings.port(services.GRAFANA)),
        "GF_PATHS_DATA": data,
        "GF_PATHS_LOGS": data,
        "GF_PATHS_PLUGINS": f"{data}/plugins",
        "GF_PATHS_PROVISIONING": str(_provisioning(context)),
        "DASHBOARDS_PATH": str(PROJECT_ROOT / _dashboards(context)),
        "GF_SECURITY_ADMIN_PASSWORD__FILE": str(context.secret(GRAFANA_ADMIN_PASSWORD, services.GRAFANA)),
        "PROMETHEUS_URL": context.url(services.PROMETHEUS),
        "ALERTMANAGER_URL": context.url(services.ALERTMANAGER),
        RQ_MON_WEB_URL.name: context.settings.job_pages_url(),
    }
    server = (str(program),) if program.name == "grafana-server" else (str(program), "server")
    return Command((*server, "--homepath", str(home)), environment, (folder / "provisioning",))


def _provisioning(context: NativeContext) -> Path:
    """Write this machine's data sources for Grafana: they name the file with Alertmanager's password."""
    folder = context.directory / "provisioning"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROJECT_ROOT / "grafana" / "provisioning", folder)
    data_sources = folder / "datasources" / "datasources.yml"
    text = data_sources.read_text(encoding="utf-8")
    password = context.secret(ALERTMANAGER_PASSWORD, services.GRAFANA)
    data_sources.write_text(text.replace(SHARED_PASSWORD, str(password)), encoding="utf-8")
    return folder


def _dashboards(context: NativeContext) -> str:
    """Return the folder of the dashboards: another one if further exporters watch more than one Redis."""
    return "grafana/generated" if context.settings.scrape_targets() else "grafana/one-redis"


def _viewer(context: NativeContext) -> Command:
    environment = {
        "VIEWER_HOST": context.settings.bind_address(services.VIEWER),
        "VIEWER_PORT": str(context.settings.port(services.VIEWER)),
        "PROMETHEUS_URL": context.url(services.PROMETHEUS),
        "DASHBOARDS_PATH": _dashboards(context),
        RQ_MON_WEB_URL.name: context.settings.job_pages_url(),
        "PYTHONUNBUFFERED": "1",
        **context.settings.user_set(VIEWER_NAMES),
    }
    grafana = PROJECT_ROOT / "grafana"
    # Not the TypeScript sources: only the built files are read, and the folder may hold node_modules.
    program = (*sorted((grafana / "viewer").glob("*.py")), grafana / "viewer" / "bundle")
    folders = (PROJECT_ROOT / _dashboards(context), grafana / "provisioning")
    return Command((sys.executable, "-m", "grafana.viewer"), environment, (PACKAGES, *program, *folders))


def _rq_mon_web(context: NativeContext) -> Command:
    run = _python(context, services.RQ_MON_WEB, OPERATOR, "web", ("-m", "rq_mon.web"), "rq_mon")
    password = context.secret(WEB_PASSWORD, services.RQ_MON_WEB)
    settings = context.settings
    environment = {
        GRAFANA_URL.name: context.url(services.GRAFANA),
        CHANGES.name: "yes" if settings.has_own_redis() else "no",
        **settings.user_set(*WEB_VARIABLES),
        "RQ_MON_WEB_HOST": settings.bind_address(services.RQ_MON_WEB),
        "RQ_MON_WEB_PORT": str(settings.port(services.RQ_MON_WEB)),
        PASSWORD_FILE.name: str(password),
    }
    return Command(run.arguments, {**run.environment, **environment}, (*run.sources, password))


COMMANDS: Mapping[Service, Callable[[NativeContext], Command]] = {
    services.REDIS: _redis,
    services.SHORT_RUNNING_WORKER: _worker(services.SHORT_RUNNING_WORKER),
    services.LONG_RUNNING_WORKER: _worker(services.LONG_RUNNING_WORKER),
    services.CRON_SCHEDULER: _script(services.CRON_SCHEDULER, "cron-scheduler"),
    services.RQ_EXPORTER: _rq_exporter,
    services.REDIS_EXPORTER: _redis_exporter,
    services.PROMETHEUS: _prometheus,
    services.ALERTMANAGER: _alertmanager,
    services.GRAFANA: _grafana,
    services.VIEWER: _viewer,
    services.RQ_MON_WEB: _rq_mon_web,
}
