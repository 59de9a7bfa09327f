"""Writes all files of an export, or none."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path, PurePath


class FolderError(Exception):
    """Nothing was written; the message has the folder and what was expected."""


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a new or empty folder.

    They are written into a temporary folder first, and moved when all are complete. A name may contain
    folders, as in `rules/jobs.yml`.

    Raises:
        FolderError: the folder is not empty, is not a folder, or cannot be written.
    """
    is_new = not os.path.lexists(folder)
    _check(folder, is_new=is_new)
    staging = (folder.parent if is_new else folder) / f".rqmon-{secrets.token_hex(4)}"
    try:
        staging.mkdir()
        for name, text in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if is_new:
            staging.rename(folder)
        else:
            for path in staging.iterdir():
                path.rename(folder / path.name)
            staging.rmdir()
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        if not is_new:  # and so was empty
            _remove(folder, {PurePath(name).parts[0] for name in files})
        if isinstance(error, OSError):
            raise FolderError(f"{folder}: {error.strerror}") from error
        raise


def _remove(folder: Path, names: Collection[str]) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _check(folder: Path, *, is_new: bool) -> None:
    try:
        if is_new:
            if not folder.parent.is_dir():
                raise FolderError(f"{folder}: expected a folder within one that exists")
        elif not folder.is_dir():
            raise FolderError(f"{folder}: expected a folder, got something else")
        elif any(folder.iterdir()):
            raise FolderError(f"{folder}: expected a new or empty folder, got one with files in it")
    except OSError as error:
        raise FolderError(f"{folder}: {error.strerror}") from error
