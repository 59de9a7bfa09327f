"""One record of a log is one line, or begins with one: nothing in it passes for another record."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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


def lines_said(log_format: str, name: str) -> list[str]:
    said = subprocess.run(
        [sys.executable, "-c", SAYS, log_format, name], capture_output=True, text=True, check=True
    )
    return said.stdout.splitlines()


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\v", "\f", "\x1e", "\x85", "\u2028"])
def test_a_name_with_line_feeds_forges_no_record(separator: str) -> None:
    first, *others = lines_said("text", f"mail{separator}{FORGED}")

    assert first.endswith(" ERROR   app: job mail")
    assert len(others) > 3
    assert all(line.startswith("    ") for line in others)


def test_as_json_it_is_one_line() -> None:
    (line,) = lines_said("json", f"mail\n{FORGED}")
    assert json.loads(line)["message"] == f"job mail\n{FORGED} failed"
