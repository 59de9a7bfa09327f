"""Alertmanager's login: without one, any page open in a browser of this machine could silence its alerts."""

from __future__ import annotations

import base64
from pathlib import Path

import bcrypt
import yaml

from stack.runtime import StackError
from stack.secrets import ensure_secret, read_secret, write_private

USER = "rq-mon"
PASSWORD = "alertmanager-password"  # noqa: S105 - the name of a file
HASH = "alertmanager-password-hash"
"""The hash is kept: bcrypt makes another one each time, and Alertmanager restarts when its file changes."""
ROUNDS = 10
LONGEST_PASSWORD = 72
"""Bytes; bcrypt ignores the rest."""


def alertmanager_note(directory: Path) -> str:
    """Say how to log in to Alertmanager."""
    return f"Alertmanager: user {USER}, password in {directory / PASSWORD}"


def password_file(secrets: Path) -> Path:
    """Return the password file, created at the first call."""
    return ensure_secret(secrets, PASSWORD)


def authorization(secrets: Path) -> str:
    """Return the value of the Authorization header for Alertmanager.

    Raises:
        StackError: the password cannot be read.
    """
    login = f"{USER}:{read_secret(secrets, PASSWORD)}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def write_web_config(path: Path, secrets: Path) -> None:
    """Write the file for `--web.config.file`, with a hash of the password.

    Raises:
        StackError: the password cannot be read, or is too long.
    """
    write_private(path, yaml.safe_dump({"basic_auth_users": {USER: _hash(secrets)}}))


def write_client_config(path: Path, password: Path) -> None:
    """Write the file for amtool's `--http.config.file`.

    Args:
        path: the file to write
        password: the password file, by its path on the machine or in the container where amtool runs
    """
    write_private(path, yaml.safe_dump({"basic_auth": {"username": USER, "password_file": str(password)}}))


def _hash(secrets: Path) -> str:
    password, file = read_secret(secrets, PASSWORD).encode(), secrets / HASH
    if len(password) > LONGEST_PASSWORD:
        raise StackError(
            f"{secrets / PASSWORD}: expected at most {LONGEST_PASSWORD} bytes, got {len(password)}"
        )
    kept = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    if kept and _is_hash_of(password, kept):
        return kept
    made = bcrypt.hashpw(password, bcrypt.gensalt(ROUNDS)).decode()
    write_private(file, made)
    return made


def _is_hash_of(password: bytes, text: str) -> bool:
    try:
        return bcrypt.checkpw(password, text.encode())
    except ValueError:  # no hash
        return False
