"""How hard each page is to read: `make readability`.

A sentence should have about 16 words. The grade is that of Flesch and Kincaid: years of school.
"""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from docs.reference.markdown import table
from docs.reference.page import Page
from docs.reference.rules import rule_files

ROOT = Path(__file__).resolve().parents[2]

END = re.compile(r"(?<=[.!?])[\"')*]*\s+|:\s*$")
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs)\.")
WORD = re.compile(r"[^\s/]*[A-Za-z0-9][^\s/]*")
VOWELS = re.compile(r"[aeiouy]+")
OTHERWISE = re.compile(r"\{\{ else.*?\}\}")
CONDITION = re.compile(r"\{\{ (if|with|end).*?\}\}")
VALUE = re.compile(r"\{\{.*?\}\}")


class Reading(NamedTuple):
    """What a page is like."""

    sentences: int
    median: float
    """Words in a sentence."""
    longest: int
    grade: float


def sentences(paragraphs: Iterable[str]) -> list[str]:
    return [
        part.strip()
        for paragraph in paragraphs
        for part in END.split(ABBREVIATIONS.sub(r"\1", paragraph))
        if part and words(part)
    ]


def words(sentence: str) -> list[str]:
    """Return the words of a sentence; a piece of code is one."""
    return WORD.findall(sentence)


def reading(paragraphs: Iterable[str]) -> Reading:
    """Measure a text that has at least one sentence."""
    counted = [words(sentence) for sentence in sentences(paragraphs)]
    lengths = [len(each) for each in counted]
    all_words = [word for each in counted for word in each]
    syllables = sum(_syllables(word) for word in all_words)
    grade = 0.39 * len(all_words) / len(counted) + 11.8 * syllables / len(all_words) - 15.59
    return Reading(len(counted), statistics.median(lengths), max(lengths), grade)


def _syllables(word: str) -> int:
    """About how many. Names in code count as one: readers know them by sight."""
    plain = word.strip(".,;:()\"'*").lower()
    if not plain.isalpha():
        return 1
    return max(1, len(VOWELS.findall(plain.removesuffix("e"))))


TEMPLATES = "docs/operate/alerts.md"
"""Alerts as their templates; `alert_texts` has them as people receive them."""


def alert_texts() -> Iterator[tuple[str, list[str]]]:
    """Return each alert with its summary and description; what Prometheus fills in is one word."""
    for file in rule_files():
        for rule in file.alerts():
            texts = (rule["annotations"][name] for name in ("summary", "description"))
            yield rule["alert"], [_filled_in(" ".join(text.split())) for text in texts]


def _filled_in(text: str) -> str:
    return VALUE.sub("7", CONDITION.sub("", OTHERWISE.sub(". ", text)))


def pages() -> list[Path]:
    """Return README, CONTRIBUTING, CHANGELOG and the pages of docs/, but those of alerts."""
    command = ("git", "ls-files", "--", "*.md")
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [
        ROOT / name for name in names if (name.startswith("docs/") or "/" not in name) and name != TEMPLATES
    ]


def main() -> None:
    """Print a row for each page, and one for all alerts."""
    found = {str(path.relative_to(ROOT)): Page.read(path).paragraphs for path in pages()}
    found["alerts"] = [text for _, texts in alert_texts() for text in texts]
    rows = [(name, reading(paragraphs)) for name, paragraphs in found.items() if sentences(paragraphs)]
    print(
        table(
            ("page", "sentences", "median words", "longest", "grade"),
            ((name, f"{r.sentences}", f"{r.median:g}", f"{r.longest}", f"{r.grade:.1f}") for name, r in rows),
        ),
        end="",
    )


if __name__ == "__main__":
    main()
