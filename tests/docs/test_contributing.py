"""The recipes of CONTRIBUTING.md work: patches apply and add the lines shown, and commands succeed."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.reference.page import Page
from proofs.harness.stack_copy import copy_tree

PAGE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
PATCHES = Path(__file__).with_name("recipes")
COMMANDS = "sh"
MINUTES = 10
QUICK = ("Add a metric", "Add a cron job")
"""Recipes whose commands always run. The others take promtool minutes."""


@dataclass(frozen=True)
class Recipe:
    """A recipe: the lines that it shows, its patch, and its commands."""

    name: str
    shown: list[str]
    patch: str
    commands: list[str]

    def added(self) -> list[str]:
        """Return the added lines of each hunk, without indentation."""
        hunks = re.split(r"^@@.*\n", self.patch, flags=re.MULTILINE)[1:]
        return [_unindented(line[1:] for line in hunk.splitlines() if _is_added(line)) for hunk in hunks]


def _is_added(line: str) -> bool:
    return line.startswith("+") and not line.startswith("+++ ")


def _unindented(lines: Iterable[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n")


def recipes() -> Iterator[Recipe]:
    for section in PAGE.read_text(encoding="utf-8").split("\n## Add ")[1:]:
        name = f"Add {section.splitlines()[0]}"
        blocks = Page(section).blocks
        yield Recipe(
            name,
            [block.text.strip("\n") for block in blocks if block.language != COMMANDS],
            (PATCHES / f"{name.lower().replace(' ', '-')}.patch").read_text(encoding="utf-8"),
            [block.text for block in blocks if block.language == COMMANDS],
        )


def run(command: list[str], tree: Path, given: str | None = None) -> None:
    # The variables of an outer make are not meant for this one.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    result = subprocess.run(
        command,
        cwd=tree,
        env=environment,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:]


def test_there_are_recipes_for_metrics_panels_alerts_and_cron_jobs() -> None:
    assert [recipe.name for recipe in recipes()] == [
        "Add a metric",
        "Add a panel",
        "Add an alert",
        "Add a cron job",
    ]
    assert all(recipe.shown and recipe.commands for recipe in recipes())


def test_each_recipe_shows_the_lines_that_its_patch_adds() -> None:
    for recipe in recipes():
        assert recipe.shown == recipe.added(), recipe.name


def test_each_recipe_names_the_files_that_its_patch_changes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    changed = {
        path for recipe in recipes() for path in re.findall(r"^\+\+\+ b/(.+)$", recipe.patch, re.MULTILINE)
    }

    assert [path for path in sorted(changed) if f"`{path}`" not in page] == []


def test_the_patches_apply_to_the_current_tree(project_root: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copy_tree(project_root, tree)

    for recipe in recipes():
        run(["git", "apply", "-"], tree, recipe.patch)


@pytest.mark.needs("redis-server", "prometheus", "promtool", "amtool")
@pytest.mark.parametrize(
    "carried_out",
    [
        pytest.param(QUICK, id="quick", marks=pytest.mark.e2e(seconds=60)),
        pytest.param(
            tuple(recipe.name for recipe in recipes()),
            id="all",
            marks=[pytest.mark.e2e(seconds=150), pytest.mark.proof],
        ),
    ],
)
def test_the_tests_pass_after_each_recipe(
    project_root: Path, tmp_path: Path, carried_out: tuple[str, ...]
) -> None:
    tree = tmp_path / "tree"
    copy_tree(project_root, tree)

    for recipe in recipes():
        run(["git", "apply", "-"], tree, recipe.patch)
        for commands in recipe.commands if recipe.name in carried_out else ():
            run(["bash", "-euo", "pipefail", "-c", commands], tree)
