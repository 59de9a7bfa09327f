"""In containers, at each start: makes what passwords are missing, and gives each service a copy of its own.

`python -m stack.credentials` runs as root in a container without a network, and ends. Passwords are kept in
the project's folder `.rq-mon/secrets`, for the owner of the project. Each service mounts a volume of its own
below SHARES, with files that its user, and nobody else, can read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import redis_exporter
from stack.redis_access import RedisAccess
from stack.redis_users import EXPORTER, PROBE, WORKER, RedisUser, write_users
from stack.runtime import StackError
from stack.secrets import GRAFANA_ADMIN_PASSWORD, ensure_secret, write_private
from stack.services import CORE_COMPOSE_FILE
from stack.settings import PROJECT_ROOT, REDIS_URL, REDIS_USERNAME, SECRETS_DIRECTORY, STATE_DIRECTORY

SHARES = Path("/run/access")
REDIS_PASSWORD = "redis-password"  # noqa: S105 - the name of a file
GIVEN_REDIS_PASSWORD = Path("/run/given") / REDIS_PASSWORD
"""That of another Redis, from its user; empty if there is none."""
EARLIER_GRAFANA_PASSWORD = Path("/run/given/grafana/admin-password")
"""Once it was made beside Grafana's database, which keeps it."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a service gets to read."""

    owner: int
    """The user of its container."""
    write: Callable[[Path], None]
    """Fills the folder."""


def _redis(folder: Path) -> None:
    write_users(folder / "users.acl", SECRETS_DIRECTORY)
    _copy_password(PROBE, folder)


def _workers(folder: Path) -> None:
    _copy_password(WORKER, folder)


def _rq_exporter(folder: Path) -> None:
    _copy(_given_password() or ensure_secret(SECRETS_DIRECTORY, EXPORTER.secret), folder / REDIS_PASSWORD)


def _redis_exporter(folder: Path) -> None:
    password = _given_password() or ensure_secret(SECRETS_DIRECTORY, PROBE.secret)
    access = RedisAccess(os.environ[REDIS_URL], os.environ[REDIS_USERNAME], password)
    redis_exporter.write_passwords(folder / "passwords.json", access)


def _grafana(folder: Path) -> None:
    kept = SECRETS_DIRECTORY / GRAFANA_ADMIN_PASSWORD
    if EARLIER_GRAFANA_PASSWORD.exists() and not kept.exists():
        _copy(EARLIER_GRAFANA_PASSWORD, kept)
    _copy(ensure_secret(SECRETS_DIRECTORY, GRAFANA_ADMIN_PASSWORD), folder / "admin-password")


SERVICES_SHARES: Mapping[str, Share] = {
    "redis": Share(999, _redis),
    "workers": Share(10001, _workers),
    "rq-exporter": Share(10001, _rq_exporter),
    "redis-exporter": Share(59000, _redis_exporter),
    "grafana": Share(472, _grafana),
}


def main() -> int:
    """Hand out what the mounted volumes are for."""
    SECRETS_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    try:
        for name, share in SERVICES_SHARES.items():
            if (SHARES / name).is_dir():
                _fill(SHARES / name, share)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        _give_to_owner_of_the_project()
    return 0


def _fill(folder: Path, share: Share) -> None:
    share.write(folder)
    for file in folder.iterdir():
        file.chmod(0o400)
        os.chown(file, share.owner, share.owner)


def _give_to_owner_of_the_project() -> None:
    project = (PROJECT_ROOT / CORE_COMPOSE_FILE).stat()
    for path in (STATE_DIRECTORY, SECRETS_DIRECTORY, *SECRETS_DIRECTORY.iterdir()):
        if path.stat().st_uid != project.st_uid:
            os.chown(path, project.st_uid, project.st_gid)


def _given_password() -> Path | None:
    return GIVEN_REDIS_PASSWORD if GIVEN_REDIS_PASSWORD.read_text(encoding="utf-8").strip() else None


def _copy_password(user: RedisUser, folder: Path) -> None:
    _copy(ensure_secret(SECRETS_DIRECTORY, user.secret), folder / REDIS_PASSWORD)


def _copy(source: Path, target: Path) -> None:
    write_private(target, source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
