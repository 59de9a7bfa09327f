"""The users that run services and jobs if root starts the stack, so that a job can read no other password."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.native.programs import SERVER_FOLDERS
from stack.services import CRON_SCHEDULER, Service

CREATED_WITHIN = 60.0
"""Seconds to wait for another program that changes the machine's users."""
POLL = 0.2


class NotSeparatedError(Exception):
    """Services and jobs cannot run as separate users. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user on this machine."""

    name: str
    uid: int
    gid: int

    def groups(self) -> list[int]:
        """Return the ids of all groups of the user."""
        return os.getgrouplist(self.name, self.gid)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The users for services and for workers."""

    services: Account
    workers: Account
    """Runs the code of jobs: workers, and the cron scheduler with its jobs."""

    def of(self, service: Service) -> Account:
        """Return the user that runs a service."""
        return self.workers if service.queue or service is CRON_SCHEDULER else self.services


SERVICES_USER = "rq-mon"
WORKERS_USER = "rq-mon-worker"


def find_accounts() -> Accounts | None:
    """Return the users; None if one is missing."""
    services, workers = _find(SERVICES_USER), _find(WORKERS_USER)
    return Accounts(services, workers) if services and workers else None


def ensure_accounts() -> Accounts:
    """Return the users. The first call creates them.

    Raises:
        NotSeparatedError: this user may not create them, or something else prevents it.
    """
    if os.geteuid() != 0:
        raise NotSeparatedError("only root can start them as other users")
    for name in (SERVICES_USER, WORKERS_USER):
        _create(name)
    accounts = find_accounts()
    if accounts is None or 0 in (accounts.services.uid, accounts.workers.uid):
        raise NotSeparatedError(f"{SERVICES_USER} or {WORKERS_USER} is another name of root")
    return accounts


def take_over(folder: Path, account: Account) -> None:
    """Give a folder and everything in it to a user. Earlier versions ran everything as root."""
    top = folder.resolve()
    owner = (account.uid, account.gid)
    for _, folders, files, number in os.fwalk(top):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):  # the service has just removed it
                if os.stat(name, dir_fd=number, follow_symlinks=False).st_uid != account.uid:
                    os.chown(name, *owner, dir_fd=number, follow_symlinks=False)
    os.chown(top, *owner)
    top.chmod(0o700)


def as_owner(folder: Path) -> dict[str, Any]:
    """Return arguments for subprocess.run: run the program as the folder's owner, if that is another user."""
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return {}
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}


def leftover_users() -> list[str]:
    """Name the users that exist, each with the command that removes it."""
    if find_accounts() is None:
        return []
    return [f"users, if no other clone needs them: userdel {SERVICES_USER}; userdel {WORKERS_USER}"]


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _create(name: str) -> None:
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *SERVER_FOLDERS))
    useradd = shutil.which("useradd", path=folders)
    deadline = time.monotonic() + CREATED_WITHIN
    while _find(name) is None:
        if useradd is None:
            raise NotSeparatedError(f"the user {name} is missing, and there is no useradd to create it")
        options = ("--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
        result = subprocess.run(
            [useradd, *options, "--shell", "/usr/sbin/nologin", name],
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode and _find(name) is None:
            # Another start, or a package installation, may hold the lock on the user database.
            if "lock" not in result.stderr or time.monotonic() > deadline:
                raise NotSeparatedError(f"useradd {name}: {' '.join(result.stderr.split())}")
            time.sleep(POLL)
