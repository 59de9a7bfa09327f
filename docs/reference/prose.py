"""Finds stilted phrases, for `make lint`: `python -m docs.reference.prose`.

It reads every tracked text: pages, docstrings, comments, help, alerts, dashboards, templates.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
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
    r"\b(un)?told\b": "asked, reported, read",
    r"\bin hand\b": "current",
    r"\bof ours\b": "our, or the owner's name",
    r"\bin vain\b": "without success",
    r"\bbe believed\b": "trust",
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

LEFT_OUT = (
    "docs/reference/prose.py",
    "tests/docs/test_prose.py",
    "rq_mon/export/data",  # copies
    "grafana/viewer/bundle",  # built from other packages
    "*package-lock.json",
    "requirements",
    "tests/deploy/schemas",  # of other projects
    "LICENSE",
)


BETWEEN_WORDS = r"(?:\s|[#*/\"'])+"
"""Also a line break inside a comment or a text in code."""
PATTERNS = {
    re.compile(phrase.replace(" ", BETWEEN_WORDS), re.IGNORECASE): instead
    for phrase, instead in INSTEAD.items()
}


class Finding(NamedTuple):
    """A phrase in a file."""

    path: str
    line: int
    phrase: str
    instead: str


def findings_in(path: str, text: str) -> Iterator[Finding]:
    """Return each phrase that has a plainer word."""
    found = [
        Finding(path, text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), instead)
        for pattern, instead in PATTERNS.items()
        for match in pattern.finditer(text)
    ]
    yield from sorted(found)


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Return name and text of each tracked file that people read."""
    command = ("git", "ls-files", "--", ".", *(f":(exclude){path}" for path in LEFT_OUT))
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        with suppress(UnicodeDecodeError):  # a picture
            if (root / name).is_file():
                yield name, (root / name).read_text(encoding="utf-8")


def main() -> int:
    """Print the findings; return 1 if there are some."""
    findings = [finding for name, text in texts(Path.cwd()) for finding in findings_in(name, text)]
    for each in findings:
        print(f"{each.path}:{each.line}: {each.phrase!r}; write: {each.instead}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
