"""supervisord.conf: one program for each service or worker, in start order."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from stack.native.commands import Command
from stack.native.processes import READABLE_ENVIRONMENT
from stack.runtime import StackError
from stack.services import SERVICES, Service
from stack.settings import PROJECT_ROOT

SOURCES_DIGEST = "RQ_MON_SOURCES"
"""Changes with the files that a program reads at its start, so that supervisord sees a changed program."""

LOG_MEGABYTES = 10
LOG_BACKUPS = 3
LOG_LIMIT = LOG_MEGABYTES * 1024**2 * (1 + LOG_BACKUPS)
"""Bytes that the log of one program may take, and that of supervisord itself."""

UNIX_SOCKET_PATH_LIMIT = 100
"""Linux allows 107 bytes; supervisord needs a few for a temporary name."""


def supervisor_socket(directory: Path) -> Path:
    """Return the path of supervisord's socket."""
    return directory / "supervisor.sock"


def log_path(directory: Path, name: str) -> Path:
    """Return the path of the log of a program, or of supervisord itself."""
    return directory / "logs" / f"{name}.log"


def program_names(service: Service, number: int) -> list[str]:
    """Return the names of a service's programs.

    Each worker is a separate program, so that supervisord can start or end it alone.
    """
    return [service.name, *(f"{service.name}-{position}" for position in range(2, number + 1))][:number]


def render(directory: Path, commands: Mapping[Service, Command]) -> str:
    """Return the text of the configuration file.

    Args:
        directory: the state directory, for sockets and logs
        commands: what to run, in start order

    Raises:
        StackError: the file cannot contain a path.
    """
    socket = supervisor_socket(directory)
    if len(os.fsencode(socket)) > UNIX_SOCKET_PATH_LIMIT:
        raise StackError(f"{socket}: too long for a Unix socket; move the project to a shorter path")
    sections = [_supervisord(directory)]
    digest_of = cache(_digest_of)  # several programs read the same files
    for service, command in commands.items():
        digest = _digest(command, digest_of)
        names = program_names(service, command.number)
        sections += [_program(directory, name, command, digest, _priority(service)) for name in names]
    return "\n".join(sections)


def _supervisord(directory: Path) -> str:
    return (
        _section("unix_http_server", {"file": supervisor_socket(directory), "chmod": "0700"})
        + _section(
            "supervisord",
            {
                "logfile": log_path(directory, "supervisord"),
                "logfile_maxbytes": f"{LOG_MEGABYTES}MB",
                "logfile_backups": LOG_BACKUPS,
                "pidfile": directory / "supervisord.pid",
                "directory": PROJECT_ROOT,
            }
            # supervisord runs as the user who starts it. For root it asks for an explicit setting.
            | ({"user": "root"} if os.getuid() == 0 else {}),
        )
        + _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        )
    )


def _priority(service: Service) -> int:
    """Return its place in the start order: always the same, because a change would restart the program."""
    return next(
        place for place, each in enumerate(SERVICES) if each == service or (each.queue and service.queue)
    )


def _program(directory: Path, name: str, command: Command, digest: str, priority: int) -> str:
    environment = {**command.environment, **READABLE_ENVIRONMENT, SOURCES_DIGEST: digest}
    return _section(
        f"program:{name}",
        {
            "command": shlex.join(command.arguments),
            "environment": ",".join(_assignment(name, value) for name, value in environment.items()),
            **({"user": command.user} if command.user else {}),
            "priority": priority,
            "autorestart": "true",
            # Retry forever, each time one second later: what a service needs may come back tomorrow.
            "startretries": 1_000_000,
            "stopwaitsecs": command.stop_within,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": log_path(directory, name),
            "stdout_logfile_maxbytes": f"{LOG_MEGABYTES}MB",
            "stdout_logfile_backups": LOG_BACKUPS,
        },
    )


def _assignment(name: str, value: str) -> str:
    if '"' in value or not _survives_parsing(value):
        # The error omits the value, which may be a secret.
        raise StackError(f"{name}: expected a value without line breaks, double quotes, ' ;' and ' #'")
    return f'{name}="{value}"'


def _section(name: str, options: Mapping[str, object]) -> str:
    lines = [f"[{name}]"]
    for option, value in options.items():
        text = str(value)
        if not _survives_parsing(text):
            raise StackError(f"{text!r}: expected paths and settings without line breaks, ' ;' and ' #'")
        lines.append(f"{option}={text.replace('%', '%%')}")
    return "\n".join([*lines, ""])


def _survives_parsing(value: str) -> bool:
    """Return whether supervisord's parser keeps the value. It cannot escape comments and line breaks."""
    return not any(sign in value for sign in ("\n", " ;", " #"))


def _digest(command: Command, digest_of: Callable[[Path], bytes]) -> str:
    """Return a digest of what the program reads when it starts.

    Executables are not read: their size and time change with an upgrade.
    """
    digest = hashlib.sha256()
    for source in command.sources:
        digest.update(digest_of(source))
    for argument in command.arguments:
        program = Path(argument)
        if program.is_absolute() and program.is_file() and os.access(program, os.X_OK):
            status = program.stat()
            digest.update(f"{program} {status.st_size} {status.st_mtime_ns}".encode() + b"\0")
    return digest.hexdigest()[:16]


def _digest_of(source: Path) -> bytes:
    """Return a digest of a file's name and content, or of all files in a folder."""
    digest = hashlib.sha256()
    for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
        if file.suffix != ".pyc" and file.is_file():
            digest.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.digest()
