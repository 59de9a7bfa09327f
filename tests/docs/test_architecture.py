"""Every folder, and every room of rq_mon, imports only what is below it."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections import defaultdict

import pytest

from docs.reference.page import Page
from tests.harness.sources import (
    DATA_FOLDERS,
    FLOORS,
    LOWER_FOLDERS,
    ROOT,
    below,
    imports_of,
    module_of,
    name_of,
    tracked,
)

PAGE = (ROOT / "docs" / "understand" / "architecture.md").read_text(encoding="utf-8")
ROOMS = {room: number for number, floor in enumerate(FLOORS) for room in floor}
MAX_FOLDERS = 11
MAX_LINES = 400

ROOT_SCRIPTS_MAY_IMPORT = below("demo")
FRONT_DOORS = {ROOT / "rq_mon" / "__init__.py"}
"""Imports names lazily, so it refers to modules of upper floors without loading them."""


def room_of(module: str) -> str | None:
    """The room of rq_mon that contains a dotted name."""
    parts = module.split(".")
    return parts[1] if parts[0] == "rq_mon" and len(parts) > 1 and parts[1] in ROOMS else None


def test_every_top_level_folder_has_a_floor_and_there_are_few() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    visible = {folder for folder in folders if not folder.startswith(".")}

    assert visible == {*LOWER_FOLDERS, *DATA_FOLDERS}
    assert len(visible) <= MAX_FOLDERS


def test_a_folder_of_data_holds_no_python() -> None:
    assert [str(path) for folder in DATA_FOLDERS for path in tracked(f"{folder}/*.py")] == []


def test_every_room_of_rq_mon_has_a_floor() -> None:
    found = {path.relative_to(ROOT).parts[1].removesuffix(".py") for path in tracked("rq_mon/*.py")}

    assert found - {"__init__"} <= set(ROOMS)


@pytest.mark.parametrize("folder", LOWER_FOLDERS)
def test_a_folder_imports_only_folders_below_it(folder: str) -> None:
    found = [each for path in tracked(f"{folder}/*.py") for each in imports_of(path)]

    assert found
    wrong = [each for each in found if each.module.split(".")[0] not in below(folder)]
    assert [(str(each.path.relative_to(ROOT)), each.module) for each in wrong] == []


def test_the_scripts_at_the_top_import_only_the_package_and_the_sample_jobs() -> None:
    found = [each for path in tracked("*.py") if path.parent == ROOT for each in imports_of(path)]

    assert {each.module.split(".")[0] for each in found} <= ROOT_SCRIPTS_MAY_IMPORT


def test_a_room_of_rq_mon_imports_only_floors_below_it() -> None:
    wrong = []
    for path in tracked("rq_mon/*.py"):
        if path in FRONT_DOORS:
            continue
        own = room_of(name_of(path))
        assert own is not None, path
        for each in imports_of(path):
            other = room_of(each.module)
            if other is not None and other != own and ROOMS[other] >= ROOMS[own]:
                wrong.append((str(path.relative_to(ROOT)), each.module))
    assert wrong == []


@pytest.mark.slow
def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {
        name_of(path): {
            module_of(each.module)
            for each in imports_of(path)
            if not each.is_string and module_of(each.module) != name_of(path)
        }
        for path in tracked("*.py")
        if path not in FRONT_DOORS
    }

    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.slow
def test_no_parts_of_a_folder_import_each_other_in_a_circle() -> None:
    """The parts are its files and the folders in it."""
    parts: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in tracked("*.py"):
        if path in FRONT_DOORS:
            continue
        own = name_of(path).split(".")
        for other in (module_of(each.module).split(".") for each in imports_of(path) if not each.is_string):
            level = next(
                (at for at, pair in enumerate(zip(own, other, strict=False)) if pair[0] != pair[1]), None
            )
            if level is not None:
                parts[".".join(own[:level])][own[level]].add(other[level])

    for graph in parts.values():
        graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("folder", sorted(LOWER_FOLDERS.keys() - {"proofs", "tests"}))
def test_no_two_classes_of_a_folder_have_one_name(folder: str) -> None:
    files = defaultdict(list)
    for path in tracked(f"{folder}/*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files[node.name].append(str(path.relative_to(ROOT)))

    assert {name: places for name, places in files.items() if len(places) > 1} == {}


def test_no_python_file_is_too_long_to_read() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_bytes().count(b"\n") for path in tracked("*.py")}

    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize(
    ("module", "not_loaded"),
    [
        ("rq_mon", ("rq", "redis", "croniter", "click")),
        ("rq_mon.exporter", ("rq_mon.worker", "rq_mon.cron", "scheduler", "croniter", "click")),
        ("rq_mon.exporter.__main__", ("rq_mon.worker", "rq_mon.cron", "scheduler", "croniter", "click")),
        ("rq_mon.exporter.process", ("rq_mon.worker", "rq_mon.cron", "scheduler", "croniter", "click")),
        ("rq_mon.worker.monitored_worker", ("rq_mon.cron", "rq_mon.exporter", "croniter", "click")),
        ("rq_mon.cli.main", ("rq_mon.exporter", "scheduler", "prometheus_client")),
    ],
)
def test_importing_a_room_loads_nothing_above_it(module: str, not_loaded: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert module in loaded
    assert [name for name in loaded if any(f"{name}.".startswith(f"{each}.") for each in not_loaded)] == []


def test_the_page_draws_the_current_folders() -> None:
    rows = re.findall(r"^\| `([a-z_]+)/` \| [^|]+ \|([^|]*)\|$", PAGE, re.MULTILINE)

    assert {folder: tuple(re.findall(r"`([a-z_]+)`", lower)) for folder, lower in rows} == LOWER_FOLDERS


def test_contributing_draws_the_current_folders() -> None:
    (drawing,) = (
        block.text for block in Page.read(ROOT / "CONTRIBUTING.md").blocks if block.language == "mermaid"
    )
    arrows = set(re.findall(r"^ +(\w+) --> (\w+)$", drawing, re.MULTILINE))

    assert arrows == {(folder, lower) for folder, lowers in LOWER_FOLDERS.items() for lower in lowers}


def test_the_page_draws_the_current_rooms_of_rq_mon() -> None:
    floors = re.findall(r"^\d+\. ((?:`[a-z_]+/?`(?:, )?)+): ", PAGE, re.MULTILINE)
    drawn = [tuple(re.findall(r"`([a-z_]+)/?`", floor)) for floor in floors]

    there = {room_of(name_of(path)) for path in tracked("rq_mon/*.py")}
    assert drawn == [tuple(room for room in floor if room in there) for floor in FLOORS]
