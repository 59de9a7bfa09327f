"""The commands for silences in operations.md, run as written."""

from __future__ import annotations

import json
import re

from proofs.harness.stack_copy import StackCopy
from stack.settings import PROJECT_ROOT

(OPERATIONS,) = (PROJECT_ROOT / "docs").rglob("operations.md")
LIST = ".venv/bin/python -m stack amtool silence query --output=json"


def check_silencing(stack: StackCopy) -> None:
    """Create a silence, show it and end it, each with its command."""
    add, query, expire = _commands()

    made = _run(stack, add).split()
    assert made, "the silence's id"
    (silence,) = json.loads(_run(stack, LIST))
    assert silence["id"] == made[-1]
    assert [matcher["value"] for matcher in silence["matchers"]] == ["RQQueueStalled"]
    assert silence["comment"] == "We move the workers"
    assert "RQQueueStalled" in _run(stack, query)

    _run(stack, expire)

    assert json.loads(_run(stack, LIST)) == []


def _commands() -> list[str]:
    section = OPERATIONS.read_text().partition("## Silence alerts\n")[2]
    block = re.search(r"```\n(.+?)```", section, re.DOTALL)
    assert block
    return block[1].splitlines()


def _run(stack: StackCopy, command: str) -> str:
    finished = stack.run("bash", "-c", command)
    assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
    return finished.stdout
