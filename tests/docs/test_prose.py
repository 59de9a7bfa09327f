"""The check of the English: what it finds, where, and what it accepts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.reference.prose import Finding, findings_in

TEXT = """\
# A page

The exporter skips data that it cannot read.
Somebody starts it anew.
"""


def test_a_finding_names_the_place_and_the_better_word() -> None:
    assert list(findings_in("docs/page.md", TEXT)) == [
        Finding("docs/page.md", 4, "Somebody", "no one, someone, anyone, or the person's role"),
        Finding("docs/page.md", 4, "anew", "again"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Grafana cannot be had.",
        "who mends it",
        "the user whom it names",
        "in the place of Redis",
        "it tells of the failure",
        "wait for ever",
        "PromQL stands in a folder",
        "killed for want of memory",
        "a key that is passed over",
        "two workers by turns",
        "it waits all the while",
        "jobs that failed in the chosen time",
        "the worker was told to stop",
        "after the job in hand",
        "a guess of ours",
        "it waited in vain",
        "can a number be believed?",
        "waits for\n# ever",
        'sent in "\n    "the place of',
    ],
)
def test_stilted_phrases_are_found(text: str) -> None:
    assert len(list(findings_in("a.py", f"# {text}\n"))) == 1


@pytest.mark.parametrize(
    "text", ["recommended settings", "whoever is on call", "it tells the worker", "it stands idle"]
)
def test_other_words_pass(text: str) -> None:
    assert list(findings_in("a.py", f"# {text}\n")) == []


def test_the_tree_has_no_findings_and_a_stilted_phrase_in_any_file_fails_the_check(
    project_root: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(project_root), str(clone)], check=True)
    command = [sys.executable, "-m", "docs.reference.prose"]

    before = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    changed = (
        "README.md",
        "Makefile",
        "prometheus/rules/jobs.yml",
        "rq_mon/web/templates/job.html",
        "rqmon",
        "stack/redis.conf",
        "grafana/generated/rq-cron.json",
    )
    for name in changed:
        with (clone / name).open("a") as file:
            file.write("\n# Grafana starts anew.\n")
    after = subprocess.run(command, cwd=clone, capture_output=True, text=True)

    assert (before.returncode, before.stdout) == (0, "")
    assert after.returncode == 1
    assert after.stdout.count("'anew'; write: again") == len(changed)
