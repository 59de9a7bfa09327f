"""Decides whether services and jobs run as separate users, and what these users can read."""

from __future__ import annotations

import compileall
import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.checks import OBJECTIVES_FILE
from stack.native import programs, reach
from stack.native.accounts import (
    SERVICES_USER,
    WORKERS_USER,
    Account,
    Accounts,
    NotSeparatedError,
    ensure_accounts,
    find_accounts,
    take_over,
)
from stack.secrets import write_private
from stack.services import SERVICES
from stack.settings import DOTENV, PROJECT_ROOT, StackSettings

CODE = ("rq_mon/__init__.py", "scheduler/__init__.py", "demo/__init__.py", "cron_jobs.py")
CONFIGURATION = ("stack/redis.conf", "prometheus/rules", "grafana/provisioning", "grafana/generated")
RECORD = "users"
"""The file in the state directory that records how the running supervisord was started."""


@dataclass(frozen=True, slots=True)
class Separation:
    """The users of the services, and the paths that they can and cannot read."""

    accounts: Accounts | None
    """None: the user who starts the stack."""
    enclosure: reach.Enclosure
    why_not: str = ""

    def record(self) -> str:
        """Return a text that the next start compares; empty without separate users."""
        if self.accounts is None:
            return ""
        return "\n".join([f"{SERVICES_USER} and {WORKERS_USER}", *_lines(self.enclosure), ""])

    def fits(self, record: str) -> bool:
        """Return whether services started with this record can keep running: their users read enough."""
        return bool(record) == bool(self.accounts) and {*self.record().splitlines()} <= {*record.splitlines()}

    def compile_sources(self) -> None:
        """Compile imported modules. Separate users cannot write here, so each start would compile again."""
        if self.accounts is None:
            return
        for folder in ("rq_mon", "scheduler", "demo"):
            compileall.compile_dir(PROJECT_ROOT / folder, quiet=2)
        compileall.compile_dir(PROJECT_ROOT / "grafana" / "viewer", maxlevels=0, quiet=2)
        compileall.compile_file(PROJECT_ROOT / "cron_jobs.py", quiet=2)

    def note(self) -> str:
        """Return a line on what jobs can read without separate users; empty if users are separate."""
        if not self.why_not:
            return ""
        return f"Jobs run as the same user as all services, and can read every password: {self.why_not}."


def separate(settings: StackSettings, directory: Path) -> Separation:
    """Find out whether services and jobs can run as separate users. Create the users if they are missing.

    Args:
        settings: they name the user's files.
        directory: the state directory.
    """
    try:
        accounts = ensure_accounts()
        _let_others_through(directory, 0o711)
        given = list(_given(settings))
        executables = [
            Path(path) for program in (*programs.NEEDED, programs.GRAFANA) if (path := program.find())
        ]
        needed = [*needed_by_python(), *_folders_of(executables), *_with_target(*given)]
        data = [(directory / service.name).resolve() for service in SERVICES]
        enclosure = reach.plan([*needed, directory, *data], accounts)
        code = [Path(sys.executable), *(PROJECT_ROOT / name for name in CODE)]
        configuration = [PROJECT_ROOT / name for name in CONFIGURATION]
        for account, paths in (
            (accounts.workers, code),
            (accounts.services, [*code, *configuration, *executables, *given]),
        ):
            _refuse_if_unread(paths, account, enclosure)
    except NotSeparatedError as error:
        _let_others_through(directory, 0o700)
        return Separation(None, {}, str(error))
    return Separation(accounts, enclosure)


def recorded(directory: Path) -> str:
    """Return the record of the last start; empty if it had no separate users."""
    with contextlib.suppress(OSError):
        return (directory / RECORD).read_text(encoding="utf-8")
    return ""


def recorded_accounts(directory: Path) -> Accounts | None:
    """Return the users of the last start."""
    return find_accounts() if recorded(directory) else None


def _refuse_if_unread(paths: Iterable[Path], account: Account, enclosure: reach.Enclosure) -> None:
    if refused := reach.unreadable(paths, account, enclosure):
        raise NotSeparatedError(f"{account.name} cannot read {refused[0]}")


def keep_record(separation: Separation, directory: Path) -> None:
    """Write the record that `recorded` returns."""
    file = directory / RECORD
    if text := separation.record():
        write_private(file, text)
    else:
        file.unlink(missing_ok=True)


def close_to_jobs(directory: Path, accounts: Accounts) -> None:
    """Give the services' data to their user. Close everything with a password to the workers' user."""
    for service in SERVICES:
        if (folder := directory / service.name).is_dir():
            take_over(folder, accounts.of(service))
    (directory / "logs").chmod(0o700)
    if DOTENV.exists():
        DOTENV.chmod(DOTENV.stat().st_mode & 0o770)


def _let_others_through(directory: Path, mode: int) -> None:
    for folder in (directory.parent, directory):
        if os.geteuid() in (0, folder.stat().st_uid):
            folder.chmod(mode)


def needed_by_python() -> Iterator[Path]:
    """Return all paths that an import may read, and each folder between the name of Python and its file."""
    yield PROJECT_ROOT
    yield from _with_target(Path(sys.prefix), Path(sys.base_prefix))
    yield from _with_target(*(Path(entry) for entry in sys.path if Path(entry).is_absolute()))
    executable = Path(sys.executable)
    while executable.is_symlink():
        executable = Path(os.path.normpath(executable.parent / executable.readlink()))
        yield from _with_target(executable.parent)


def _folders_of(executables: Iterable[Path]) -> Iterator[Path]:
    for executable in executables:
        yield from _with_target(executable.parent, executable.resolve().parent)
        if executable.name in programs.GRAFANA.names:
            yield executable.resolve().parent.parent  # Grafana's pages


def _given(settings: StackSettings) -> Iterator[Path]:
    """Return the user's files that services read themselves."""
    if folder := settings.scrape_targets():
        yield folder
    if file := settings.environment.get(OBJECTIVES_FILE, "").strip():
        yield PROJECT_ROOT / file


def _with_target(*paths: Path) -> Iterator[Path]:
    for path in paths:
        if path.exists():
            yield Path(os.path.normpath(path))
            yield path.resolve()


def _lines(enclosure: reach.Enclosure) -> list[str]:
    return [f"{top}: {path}" for top, paths in sorted(enclosure.items()) for path in paths]
