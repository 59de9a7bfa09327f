from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from hypothesis import given, settings, strategies as st
from tests.harness.same_inputs import try_the_same_inputs
{first}
found = []

@settings(max_examples=300, derandomize=True, database=None)
@given(st.text())
def collect(text):
    found.append(text)

collect()
print(ascii(found))
"""


def inputs(project_root: Path, first: str) -> str:
    command = [sys.executable, "-c", PROGRAM.format(first=first)]
    return subprocess.run(command, cwd=project_root, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_generated_inputs_do_not_depend_on_the_loaded_modules(project_root: Path) -> None:
    alone = inputs(project_root, "try_the_same_inputs()")

    assert inputs(project_root, "try_the_same_inputs(); import grafana.links, stack.services") == alone
    assert inputs(project_root, "import grafana.links, stack.services") != alone
