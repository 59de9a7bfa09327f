"""Prometheus in the versions that users run, each unpacked once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack.native.programs import PROMETHEUS
from tests.harness.debian_package import unpack_or_skip

THIS_DEBIAN = "installed"
SUITES = {"2.53.": "trixie", "3.": "forky"}
"""The beginning of a version -> the Debian release with it: 13, and the next, whose version compose uses."""

Programs = Callable[[str], Path]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The folder with prometheus and promtool of a version, or of this machine."""
    folders = {THIS_DEBIAN: Path(PROMETHEUS.path()).parent}

    def folder(version: str) -> Path:
        if version not in folders:
            root = unpack_or_skip(
                ["prometheus", "promtool"], SUITES[version], tmp_path_factory.mktemp("debian")
            )
            folders[version] = root / "usr" / "bin"
        return folders[version]

    return folder
