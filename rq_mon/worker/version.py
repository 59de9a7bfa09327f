"""Finds the version of the application's code that a worker runs."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from rq_mon.catalogue import LONGEST_VERSION
from rq_mon.settings import Settings

COMMIT = re.compile("[0-9a-f]{40,64}")
COMMIT_DIGITS = 7
"""Characters of a short commit hash, as in git."""


def version_of_code(log: logging.Logger) -> str:
    """Return RQ_MON_VERSION, else the commit of the checkout around the working directory, else "".

    A version that is not a valid label is left out, with a warning: it must not keep a worker from its jobs.
    """
    version = Settings.from_environment(only=["version"]).version
    if version is not None and version.isprintable() and len(version) <= LONGEST_VERSION:
        return version
    commit = commit_of(Path())
    if version is not None:
        log.warning(
            "RQ_MON_VERSION: expected at most %s printable characters, got %r; %s",
            LONGEST_VERSION,
            version[: LONGEST_VERSION + 1],
            f"{commit} is reported" if commit else "no version is reported",
        )
    return commit


def commit_of(folder: Path) -> str:
    """Return the short hash of the commit in the git checkout around a folder; "" if there is none.

    It reads git's files, because workers often run without git.
    """
    try:
        here = folder.absolute()
        found = (parent / ".git" for parent in (here, *here.parents))
        git = next((path for path in found if path.exists()), None)
        commit = _commit(_folder_of(git)) if git else ""
    except (OSError, ValueError):
        return ""
    return commit[:COMMIT_DIGITS] if COMMIT.fullmatch(commit) else ""


def _folder_of(git: Path) -> Path:
    """Return the git folder. In additional work trees and in submodules, the file `.git` names it."""
    if git.is_dir():
        return git
    return git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()


def _commit(folder: Path) -> str:
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref:"):
        return head
    branch = head.removeprefix("ref:").strip()
    common = folder / "commondir"
    shared = folder / common.read_text(encoding="utf-8").strip() if common.exists() else folder
    if (shared / branch).is_file():
        return (shared / branch).read_text(encoding="utf-8").strip()
    packed = (shared / "packed-refs").read_text(encoding="utf-8").splitlines()
    commits = {name: commit for commit, _, name in (line.partition(" ") for line in packed)}
    return commits.get(branch, "")
