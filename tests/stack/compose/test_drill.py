"""The drill of a stack in containers, in its short version."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.compose import ComposeRuntime
from tests.harness.short_drill import check_short_drill

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=240)]


def test_short_drill_passes_and_writes_its_results(engine: None, project_root: Path, tmp_path: Path) -> None:
    check_short_drill(project_root, tmp_path, ComposeRuntime.name)
