from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scheduler.processes import Start, processes_in


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process of this package from the root of the project; it ends with the test."""
    with processes_in(tmp_path) as start:
        yield start
