from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scheduler.processes import SOON, Process, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process of this package from the root of the project; it ends with the test."""
    started: list[Process] = []

    def start(*command: str, **environment: str) -> Process:
        log = tmp_path / f"process-{len(started)}.log"
        started.append(Process(log, *command, env=os.environ | SOON | environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
