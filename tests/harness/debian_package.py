"""Programs of another Debian release, unpacked into a folder, without an installation."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpack_or_skip(packages: Sequence[str], suite: str, directory: Path) -> Path:
    """Return the folder of a release's unpacked packages. If they are missing: skip, or fail with CI=true."""
    try:
        return unpack(packages, suite, directory)
    except subprocess.CalledProcessError as error:
        reason = f"the packages of {suite} are not available here: {error.stderr}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def unpack(packages: Sequence[str], suite: str, directory: Path) -> Path:
    """Download packages of a suite from this machine's mirror, and return where they are unpacked.

    Raises:
        CalledProcessError: they are not available here.
    """
    lists, archives, root = (directory / name for name in ("lists", "archives", "root"))
    for folder in (lists / "partial", archives / "partial", root):
        folder.mkdir(parents=True)
    sources = directory / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    options = [
        f"-oDir::Etc::SourceList={sources}",
        "-oDir::Etc::SourceParts=/dev/null",
        f"-oDir::State::Lists={lists}",
        f"-oDir::Cache={directory}",
        "-oAPT::Sandbox::User=root",
    ]
    _run("apt-get", *options, "update")
    _run("apt-get", *options, "download", *packages, cwd=archives)
    for archive in archives.glob("*.deb"):
        _run("dpkg", "-x", str(archive), str(root))
    return root


def _mirror() -> str:
    found = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Component: main")
    return found.split()[0]


def _run(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout
