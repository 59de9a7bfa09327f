"""The recipes of CONTRIBUTING.md work as they stand: their changes apply, and their commands succeed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proofs.harness.stack_copy import copy_tree

PAGE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
BLOCK = re.compile(r"^```(diff|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MINUTES = 10
QUICK = ("Add a metric", "Add a cron job")
"""Those whose commands are always run; the others' take promtool minutes."""


@dataclass(frozen=True)
class Recipe:
    """One of them, its blocks in the order in which a reader meets them."""

    name: str
    blocks: list[tuple[str, str]]


def recipes() -> Iterator[Recipe]:
    for section in PAGE.read_text(encoding="utf-8").split("\n# Recipes\n")[1].split("\n## ")[1:]:
        yield Recipe(section.splitlines()[0], BLOCK.findall(section))


def run(command: list[str], tree: Path, given: str | None = None) -> None:
    # What an outer make hands to its children is not meant for this one.
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


def test_there_is_a_recipe_for_each_thing_that_is_often_added() -> None:
    assert [recipe.name for recipe in recipes()] == [
        "Add a metric",
        "Add a panel",
        "Add an alert",
        "Add a cron job",
    ]
    for recipe in recipes():
        assert {kind for kind, _ in recipe.blocks} == {"diff", "sh"}


def test_changes_of_the_recipes_apply_to_the_tree_as_it_is(project_root: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copy_tree(project_root, tree)

    for recipe in recipes():
        for kind, text in recipe.blocks:
            if kind == "diff":
                run(["git", "apply", "-"], tree, text)


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
def test_each_recipe_leads_to_a_tree_whose_tests_pass(
    project_root: Path, tmp_path: Path, carried_out: tuple[str, ...]
) -> None:
    tree = tmp_path / "tree"
    copy_tree(project_root, tree)

    for recipe in recipes():
        for kind, text in recipe.blocks:
            if kind == "diff":
                run(["git", "apply", "-"], tree, text)
            elif recipe.name in carried_out:
                run(["bash", "-euo", "pipefail", "-c", text], tree)
