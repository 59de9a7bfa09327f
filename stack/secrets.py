"""Passwords, generated at the first start: there are no default passwords."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

from stack.runtime import StackError

GRAFANA_ADMIN_PASSWORD = "grafana-admin-password"  # noqa: S105 - the name of a file
WEB_PASSWORD = "web-password"  # noqa: S105 - the name of a file
WEB_USER = "rq-mon"


def web_note(directory: Path) -> str:
    """Say how to log in to the job pages."""
    return f"Job pages: user {WEB_USER}, password in {directory / WEB_PASSWORD}"


def ensure_secret(directory: Path, name: str) -> Path:
    """Return the file of the secret. The first call creates it. Only its owner can read it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path


def read_secret(directory: Path, name: str) -> str:
    """Return the secret. The first call creates it.

    Raises:
        StackError: its file is empty or cannot be read.
    """
    path = ensure_secret(directory, name)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StackError(f"{path}: expected a file that this user can read: {error.strerror}") from error
    if not secret:
        raise StackError(
            f"{path}: expected a password, got an empty file. Delete it: the next start creates a new one."
        )
    return secret


def write_private(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Write a file that only its owner can read, in one step. Do nothing if it is already right.

    Args:
        path: the file.
        text: its content.
        owner: user id and group id; by default those of this process.
    """
    if _is_private(path, text, owner or (os.geteuid(), os.getegid())):
        return  # every write delays the start until the disk has stored it
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # creates it with mode 600
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if owner:
            os.fchown(number, *owner)
        os.fsync(number)
    Path(draft).replace(path)


def _is_private(path: Path, text: str, owner: tuple[int, int]) -> bool:
    with contextlib.suppress(OSError):
        found = path.lstat()
        is_closed = found.st_mode == stat.S_IFREG | 0o600 and (found.st_uid, found.st_gid) == owner
        return is_closed and path.read_bytes() == text.encode()
    return False
