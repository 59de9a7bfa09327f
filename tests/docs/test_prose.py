"""The check of new lines: what it finds, where, and what it lets pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.reference.prose import Finding, findings_in

DIFF = """\
diff --git a/docs/page.md b/docs/page.md
--- a/docs/page.md
+++ b/docs/page.md
@@ -3 +7,3 @@ heading
-Nobody read this line.
+The exporter skips data that it cannot read.
+Somebody starts it anew.
+## Fix
"""


def test_it_names_the_place_and_the_better_word_of_added_lines_only() -> None:
    assert list(findings_in(DIFF)) == [
        Finding("docs/page.md", 8, "anew", "again"),
        Finding("docs/page.md", 8, "Somebody", "no one, someone, or the person's role"),
    ]


@pytest.mark.parametrize(
    "text", ["Grafana cannot be had.", "who mends it", "the user whom it names", "in the place of Redis"]
)
def test_it_finds_stilted_phrases(text: str) -> None:
    assert len(list(findings_in(f"+++ b/a.py\n@@ -0,0 +1 @@\n+# {text}\n"))) == 1


def test_a_new_stilted_line_fails_the_check(project_root: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(project_root), str(clone)], check=True)
    with (clone / "README.md").open("a") as readme:
        readme.write("\nGrafana starts anew.\n")

    check = subprocess.run(
        [sys.executable, "-m", "docs.reference.prose"], cwd=clone, capture_output=True, text=True
    )

    assert check.returncode == 1
    assert "'anew'; write: again" in check.stdout
