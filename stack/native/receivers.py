"""Copies the user's receivers, and the files with passwords that they name, for Alertmanager's own user."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from stack.checks import RECEIVERS
from stack.native.accounts import Account
from stack.runtime import StackError
from stack.secrets import write_private

OF_A_FILE = "_file"
"""The suffix of options that hold a path, such as `api_url_file`."""


def hand_receivers(folder: Path, copy: Path, account: Account) -> None:
    """Copy receivers.yml and the files that it names for one user. Close the originals to other users.

    All copies are in one folder. If a file is missing, Alertmanager reports it.

    Raises:
        StackError: receivers.yml, or a file that it names, cannot be read.
    """
    owner = (account.uid, account.gid)
    copy.mkdir(mode=0o700, exist_ok=True)
    os.chown(copy, *owner)
    try:
        text = (folder / RECEIVERS).read_text(encoding="utf-8")
        texts = dict(_read(folder, set(_named(yaml.safe_load(text)))))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise StackError(f"{folder / RECEIVERS}: {' '.join(str(error).split())}") from error
    for path in texts:
        text = re.sub(rf"(?<![\w/.:-]){re.escape(path)}(?![\w/.-])", _name(path), text)
    copies = {RECEIVERS: text, **{_name(path): content for path, content in texts.items()}}
    for name, content in copies.items():
        write_private(copy / name, content, owner)
    for file in copy.iterdir():
        if file.name not in copies:
            file.unlink()
    for path in (RECEIVERS, *texts):
        if _is_below(path):
            _close(folder / path)


def _named(config: Any) -> Iterator[str]:
    """Return the files that a configuration names."""
    pairs: Any = config.items() if isinstance(config, dict) else enumerate(config or ())
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from _named(value)
        elif isinstance(value, str) and str(key).endswith(OF_A_FILE):
            yield value


def _read(folder: Path, paths: set[str]) -> Iterator[tuple[str, str]]:
    for path in sorted(paths):
        with contextlib.suppress(FileNotFoundError):
            yield path, (folder / path).read_text(encoding="utf-8")


def _name(path: str) -> str:
    return path.replace("/", "-")


def _is_below(path: str) -> bool:
    """Return whether a file is in the user's folder. Files elsewhere may belong to the system."""
    return not Path(path).is_absolute() and ".." not in Path(path).parts


def _close(file: Path) -> None:
    file.chmod(file.stat().st_mode & 0o770)
