"""Passwords that are generated at the first start: there are no default ones."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

GRAFANA_ADMIN_PASSWORD = "grafana-admin-password"  # noqa: S105 - the name of a file


def ensure_secret(directory: Path, name: str) -> Path:
    """Return the file of the secret, made and filled at the first call; only its owner can read it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        draft.rename(path)
    return path
