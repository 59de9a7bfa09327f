"""The commands in the runbooks, as a reader pastes them."""

from __future__ import annotations

import re

from tests.prometheus.rules import RUNBOOKS

INDEX = RUNBOOKS / "README.md"
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path != INDEX)

ASKS = re.compile(
    r"^\./rqmon (requeue|delete|stop|purge|empty|prune|pause|resume|cron (run|pause|resume|cancel))\b"
)
"""Commands that ask for confirmation at a terminal."""

PLACEHOLDERS = {
    "your-queue": "short-running",
    "CRON_JOB": "nightly",
    "AbandonedJobError": "ValueError",
    "KEY": "rq:queues",
}
"""Placeholders, and this test's values for them."""


def filled_in(command: str, **here: str) -> str:
    """Return a command as a reader runs it; `here` has the values of further placeholders."""
    for placeholder, text in (PLACEHOLDERS | here).items():
        command = command.replace(placeholder, text)
    return command


def commands() -> list[str]:
    """Every command of every page, once, without its comment."""
    found: set[str] = set()
    for path in PAGES:
        text = path.read_text()
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        found |= {line for block in blocks for line in block.splitlines()}
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
        found |= {
            span
            for span in spans
            if re.match(r"(\./rqmon|\.venv/bin/|redis-cli |make |docker |promtool )", span)
        }
    return sorted({re.sub(r"\s+#.*$", "", command) for command in found})
