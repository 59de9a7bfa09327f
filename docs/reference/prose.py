"""Checks the English of new lines: `python -m docs.reference.prose`, a part of `make lint`.

Only lines that were added since BASE are read. Text that is older is rewritten folder by folder.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

BASE = "02a407e30eff6ad59247a8d1aedcee78f74dc193"

INSTEAD = {
    r"\banew\b": "again",
    r"\bso many\b": "a number, or: this many",
    r"\b(no|some)body\b": "no one, someone, or the person's role",
    r"\bin the place of\b": "replace, or: instead of",
    r"\b(can|could|cannot|can't|not) be had\b": "is missing, is not available",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bwhom\b": "who, or a shorter sentence",
    r"\bis no matter\b": "does not matter",
}
"""What new text avoids -> what to write."""

PATHS = ("*.py", "*.md", "*.yml", "*.yaml", "*.ts", "*.tsx", "Makefile", ".env.example")
LEFT_OUT = (
    ":(exclude)docs/reference/prose.py",
    ":(exclude)tests/docs/test_prose.py",
    ":(exclude)rq_mon/export/data",  # copies
)


class Finding(NamedTuple):
    """A phrase on a line that was added."""

    path: str
    line: int
    phrase: str
    instead: str


def added_lines(diff: str) -> Iterator[tuple[str, int, str]]:
    """Return path, line number and text of each line that a unified diff adds."""
    path, number = "", 0
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif found := re.match(r"@@ -\S+ \+(\d+)", line):
            number = int(found[1])
        elif line.startswith("+") and not line.startswith("+++"):
            yield path, number, line[1:]
            number += 1


def findings_in(diff: str) -> Iterator[Finding]:
    """Return each phrase on an added line that has a plainer word."""
    for path, number, text in added_lines(diff):
        for pattern, instead in INSTEAD.items():
            for found in re.finditer(pattern, text, re.IGNORECASE):
                yield Finding(path, number, found[0], instead)


def main() -> int:
    """Print the findings; return 1 if there are some."""
    command = ("git", "diff", "--unified=0", "--find-renames", BASE, "--", *PATHS, *LEFT_OUT)
    diff = subprocess.run(command, capture_output=True, text=True)
    if diff.returncode:
        print(f"prose: not checked, this clone has no history back to {BASE[:7]}", file=sys.stderr)
        return 0
    findings = list(findings_in(diff.stdout))
    for each in findings:
        print(f"{each.path}:{each.line}: {each.phrase!r}; write: {each.instead}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
