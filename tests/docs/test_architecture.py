"""The page about the architecture says what may import what, and so it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

MAY_IMPORT = {
    "scheduler": {"scheduler"},
    "grafana/layer": {"grafana.layer"},
    "grafana/queries": {"grafana.queries", "grafana.layer", "rq_mon.catalogue", "stack.services"},
    "preview": {"preview", "stack"},
    "stack": {"stack", "native", "rq_mon.settings", "rq_mon.connection.address", "scheduler.queues"},
    "native": {"native", "stack", "scheduler"},
    "demo": {"demo", "scheduler"},
}
"""Folder -> the modules of this project, with all below them, that its code may import."""

HOW_IT_READS = {"rq_mon.state", "rq_mon.state.errors"}
"""What the command line shares with the exporter: both show what RQ keeps in Redis."""

OURS = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}


def imports(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every module of this project that the folder's files import, `from package import module` included."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            yield from ((path, name) for name in names if name.split(".")[0] in OURS)


def below(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folder_imports_only_what_it_may_know(folder: str) -> None:
    found = list(imports(ROOT / folder))

    assert found
    assert [(str(path), name) for path, name in found if not below(name, MAY_IMPORT[folder])] == []


def test_what_runs_in_production_knows_neither_the_tests_nor_how_the_exporter_works() -> None:
    for folder in MAY_IMPORT:
        for path, name in imports(ROOT / folder):
            assert not below(name, {"tests"}), path
            inside = path.is_relative_to(ROOT / "scheduler" / "exporter")
            reads = path.is_relative_to(ROOT / "scheduler" / "cli") and below(name, HOW_IT_READS)
            assert inside or reads or not below(name, {"rq_mon.exporter"}), path


def test_page_names_every_folder_of_code_that_this_test_holds() -> None:
    assert [folder for folder in MAY_IMPORT if f"`{folder}/`" not in PAGE] == []
