"""Finds stilted phrases, for `make lint`: `python -m docs.reference.prose`.

It reads every tracked text: pages, docstrings, comments, help, alerts, dashboards.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

INSTEAD = {
    r"\banew\b": "again",
    r"\bso many\b": "a number, or: this many",
    r"\b(no|some|any)body\b": "no one, someone, anyone, or the person's role",
    r"\bin the place of\b": "replace, or: instead of",
    r"\b(can|could|cannot|can't|not) be had\b": "is missing, is not available",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bwhom\b": "who, or a shorter sentence",
    r"\bis no matter\b": "does not matter",
    r"\btells? of\b": "names, reports, shows",
    r"\bfor ever\b": "forever",
    r"\bst(ands?|ood) in\b": "is in, holds, replaces",
    r"\bas ever\b": "as always, as usual",
    r"\bfor want of\b": "without, because of missing",
    r"\bpassed over\b": "skipped",
    r"\bby turns\b": "in turn, which take turns",
    r"\ball the while\b": "meanwhile, always",
    r"\bin the chosen time\b": "in the time range",
}
"""What text avoids -> what to write."""

PATHS = (
    "*.py",
    "*.md",
    "*.yml",
    "*.yaml",
    "*.ts",
    "*.tsx",
    "*.toml",
    "Makefile",
    "Dockerfile",
    ".env.example",
)
LEFT_OUT = (
    ":(exclude)docs/reference/prose.py",
    ":(exclude)tests/docs/test_prose.py",
    ":(exclude)rq_mon/export/data",  # copies
    ":(exclude)grafana/viewer/bundle",  # built from other packages
)


class Finding(NamedTuple):
    """A phrase in a file."""

    path: str
    line: int
    phrase: str
    instead: str


def findings_in(path: str, text: str) -> Iterator[Finding]:
    """Return each phrase that has a plainer word."""
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, instead in INSTEAD.items():
            for found in re.finditer(pattern, line, re.IGNORECASE):
                yield Finding(path, number, found[0], instead)


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Return name and text of each tracked file that people read."""
    command = ("git", "ls-files", "--", *PATHS, *LEFT_OUT)
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (root / name).exists():
            yield name, (root / name).read_text(encoding="utf-8")


def main() -> int:
    """Print the findings; return 1 if there are some."""
    findings = [finding for name, text in texts(Path.cwd()) for finding in findings_in(name, text)]
    for each in findings:
        print(f"{each.path}:{each.line}: {each.phrase!r}; write: {each.instead}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
