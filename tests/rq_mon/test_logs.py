"""A log record is one line, or begins with one: none of its content looks like another record."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.harness.sources import ROOT, tracked

FORGED = "2026-11-28T00:00:00.000Z INFO    rq.worker: all is well"
SAYS = """
import logging, sys
from rq_mon.logs import configure_logging
configure_logging("INFO", sys.argv[1])
try:
    raise ValueError(sys.argv[2])
except ValueError:
    logging.getLogger("app").exception("job %s failed", sys.argv[2])
"""


def lines_logged(log_format: str, name: str) -> list[str]:
    said = subprocess.run(
        [sys.executable, "-c", SAYS, log_format, name], capture_output=True, text=True, check=True
    )
    return said.stdout.splitlines()


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\v", "\f", "\x1e", "\x85", "\u2028"])
def test_a_name_with_line_feeds_cannot_forge_a_record(separator: str) -> None:
    first, *others = lines_logged("text", f"mail{separator}{FORGED}")

    assert first.endswith(" ERROR   app: job mail")
    assert len(others) > 3
    assert all(line.startswith("    ") for line in others)


COVERS = f"\x1b[1A\x1b[2K\x1b[1G{FORGED}\x1b[8m"


@pytest.mark.parametrize("name", [COVERS, f"mail\x9b1A\b\b{FORGED}", f"\x1b]0;{FORGED}\x07", "\u202egro"])
def test_a_name_cannot_overwrite_lines_of_a_terminal(name: str) -> None:
    first, *others = lines_logged("text", name)

    assert " ERROR   app: job " in first
    assert all(line.isprintable() for line in (first, *others))
    assert "gro" in first or FORGED in first, "it is shown"


def test_printable_characters_and_tabs_are_not_escaped() -> None:
    first = lines_logged("text", "größe 注文\t7")[0]
    assert "app: job größe 注文 " in first
    assert first.endswith(" 7 failed")


def test_a_json_record_is_one_line() -> None:
    (line,) = lines_logged("json", f"mail\n{FORGED}")
    assert json.loads(line)["message"] == f"job mail\n{FORGED} failed"


def test_logging_is_set_up_in_one_place() -> None:
    """`rqmon` shows warnings as notes, and escapes them itself."""
    setups = re.compile(r"basicConfig\(|dictConfig\(|StreamHandler\(")
    found = {
        str(path.relative_to(ROOT))
        for path in tracked("rq_mon/*.py", "scheduler/*.py", "grafana/*.py", "stack/*.py", "demo/*.py")
        if setups.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"rq_mon/logs.py", "rq_mon/cli/main.py"}
