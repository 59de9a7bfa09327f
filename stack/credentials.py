"""In containers, at each start: create missing passwords and give each service its own copy.

`python -m stack.credentials` runs as root in a container without a network, then exits. The passwords are in
the project's folder `.rq-mon/secrets`, which only the project's owner can read. Each service mounts its own
volume below SHARES. Only the service's user can read the files in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.variables import SettingsError
from stack import redis_exporter
from stack.alertmanager_login import PASSWORD as ALERTMANAGER_PASSWORD
from stack.alertmanager_login import password_file, write_client_config, write_web_config
from stack.misspelt import misspelt
from stack.redis_access import RedisAccess
from stack.redis_users import EXPORTER, OPERATOR, PROBE, WORKER, RedisUser, write_users
from stack.runtime import StackError
from stack.secrets import (
    GRAFANA_ADMIN_PASSWORD,
    WEB_PASSWORD,
    ensure_secret,
    write_private,
)
from stack.services import CORE_COMPOSE_FILE
from stack.settings import DOTENV, PROJECT_ROOT, SECRETS_DIRECTORY, STATE_DIRECTORY
from stack.variables import REDIS_TLS_FILES, REDIS_URL, REDIS_USERNAME

SHARES = Path("/run/access")
REDIS_PASSWORD = "redis-password"  # noqa: S105 - the name of a file
REDIS_TLS = dict(zip(REDIS_TLS_FILES, ("redis-ca.pem", "redis-cert.pem", "redis-key.pem"), strict=True))
"""File names by variable."""
PROJECT = Path("/run/project")
"""The folder of the compose files, with the `.env` that compose reads."""
GIVEN = Path("/run/given")
"""The user's credentials for another Redis. A file is empty if there is none."""
EARLIER_GRAFANA_PASSWORD = Path("/run/given/grafana/admin-password")
"""Created once, together with Grafana's database, which stores it."""
WATCHES_ANOTHER_REDIS = "WATCHES_ANOTHER_REDIS"
"""A variable that is set if Redis is the stack's own."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where passwords come from."""

    secrets: Path
    """The folder of generated ones."""
    address: str
    """Of Redis, as the services know it."""
    another: RedisAccess | None = None
    """How to get into another Redis than the stack's own."""


@dataclass(frozen=True, slots=True)
class Share:
    """The files that a service can read."""

    owner: int
    """The user of its container."""
    write: Callable[[Path, Origin], None]
    """Fills a folder."""


def _redis(folder: Path, origin: Origin) -> None:
    write_users(folder / "users.acl", origin.secrets)
    _copy(ensure_secret(origin.secrets, PROBE.secret), folder / REDIS_PASSWORD)


def _workers(folder: Path, origin: Origin) -> None:
    _copy(ensure_secret(origin.secrets, WORKER.secret), folder / REDIS_PASSWORD)


def _rq_exporter(folder: Path, origin: Origin) -> None:
    _copy_redis_login(folder, origin, EXPORTER)


def _copy_redis_login(folder: Path, origin: Origin, user: RedisUser) -> None:
    """Copy the user's password, or the files for another Redis."""
    _copy_tls_files(folder, origin)
    if origin.another is None:
        _copy(ensure_secret(origin.secrets, user.secret), folder / REDIS_PASSWORD)
    elif origin.another.password_file:
        _copy(origin.another.password_file, folder / REDIS_PASSWORD)


def _redis_exporter(folder: Path, origin: Origin) -> None:
    own = RedisAccess(origin.address, PROBE.name, ensure_secret(origin.secrets, PROBE.secret))
    redis_exporter.write_passwords(folder / "passwords.json", origin.another or own)
    _copy_tls_files(folder, origin)


def _copy_tls_files(folder: Path, origin: Origin) -> None:
    for variable, path in (origin.another.tls_files if origin.another else {}).items():
        _copy(path, folder / REDIS_TLS[variable])


def _grafana(folder: Path, origin: Origin) -> None:
    kept = origin.secrets / GRAFANA_ADMIN_PASSWORD
    if EARLIER_GRAFANA_PASSWORD.exists() and not kept.exists():
        _copy(EARLIER_GRAFANA_PASSWORD, kept)
    _copy(ensure_secret(origin.secrets, GRAFANA_ADMIN_PASSWORD), folder / "admin-password")
    _copy(password_file(origin.secrets), folder / ALERTMANAGER_PASSWORD)


def _rq_mon_web(folder: Path, origin: Origin) -> None:
    _copy_redis_login(folder, origin, OPERATOR)
    _copy(ensure_secret(origin.secrets, WEB_PASSWORD), folder / "password")


def _prometheus(folder: Path, origin: Origin) -> None:
    _copy(password_file(origin.secrets), folder / ALERTMANAGER_PASSWORD)


def _alertmanager(folder: Path, origin: Origin) -> None:
    _copy(password_file(origin.secrets), folder / ALERTMANAGER_PASSWORD)
    write_web_config(folder / "web.yml", origin.secrets)
    write_client_config(folder / "amtool.yml", SHARES / ALERTMANAGER_PASSWORD)


SERVICES_SHARES: Mapping[str, Share] = {
    "redis": Share(999, _redis),
    "workers": Share(10001, _workers),
    "rq-exporter": Share(10001, _rq_exporter),
    "redis-exporter": Share(59000, _redis_exporter),
    "prometheus": Share(65534, _prometheus),
    "alertmanager": Share(65534, _alertmanager),
    "grafana": Share(472, _grafana),
    "rq-mon-web": Share(10001, _rq_mon_web),
}


def main() -> int:
    """Write the mounted volumes, unless `.env` has a misspelt setting."""
    try:
        problems = misspelt(read_dotenv(PROJECT / DOTENV.name))
    except SettingsError as error:
        problems = [str(error)]
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    SECRETS_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    try:
        for name, share in SERVICES_SHARES.items():
            if (SHARES / name).is_dir():
                share.write(SHARES / name, _origin())
                _give(SHARES / name, share.owner)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        _give_to_owner_of_the_project()
    return 0


def _origin() -> Origin:
    address = os.environ[REDIS_URL]
    if not os.environ.get(WATCHES_ANOTHER_REDIS):
        return Origin(SECRETS_DIRECTORY, address)
    tls = {variable: _given(name) for variable, name in REDIS_TLS.items()}
    files = {variable: path for variable, path in tls.items() if path}
    access = RedisAccess(address, os.environ[REDIS_USERNAME], _given(REDIS_PASSWORD), files)
    return Origin(SECRETS_DIRECTORY, address, access)


def _given(name: str) -> Path | None:
    path = GIVEN / name
    return path if path.read_text(encoding="utf-8").strip() else None


def _give(folder: Path, owner: int) -> None:
    for file in folder.iterdir():
        file.chmod(0o400)
        os.chown(file, owner, owner)


def _give_to_owner_of_the_project() -> None:
    project = (PROJECT_ROOT / CORE_COMPOSE_FILE).stat()
    for path in (STATE_DIRECTORY, SECRETS_DIRECTORY, *SECRETS_DIRECTORY.iterdir()):
        if path.stat().st_uid != project.st_uid:
            os.chown(path, project.st_uid, project.st_gid)


def _copy(source: Path, target: Path) -> None:
    write_private(target, source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
