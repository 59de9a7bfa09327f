"""The imports in this repository, read from the sources."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

LOWER_FOLDERS: dict[str, tuple[str, ...]] = {
    "rq_mon": (),
    "scheduler": ("rq_mon",),
    "demo": ("scheduler",),
    "grafana": ("rq_mon",),
    "stack": ("grafana", "demo"),
    "deploy": ("stack",),
    "docs": ("deploy",),
    "proofs": ("docs",),
    "tests": ("proofs",),
}
"""Folder of Python -> the folders right below it. It may import those and all below them."""

DATA_FOLDERS = ("prometheus", "requirements")
"""Top-level folders without Python."""

FLOORS: tuple[tuple[str, ...], ...] = (
    ("catalogue", "environment", "installed", "logs", "ports", "queue_names", "serving"),
    ("series", "objectives", "changes"),
    ("connection",),
    ("settings",),
    ("calls",),
    ("launch", "state"),
    ("worker", "cron"),
    ("jobs",),
    ("health", "export"),
    ("exporter", "web", "cli"),
)
"""The rooms of rq_mon from the bottom up. A room may import the floors below its own."""


class Import(NamedTuple):
    """An import, or a string that names a module, as in `python -m` and importlib."""

    path: Path
    module: str
    """Dotted, with the imported name at its end."""
    is_string: bool


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def imports_of(path: Path) -> Iterator[Import]:
    """Return the imports of this repository in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names, is_string = [alias.name for alias in node.names], False
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names, is_string = [f"{node.module}.{alias.name}" for alias in node.names], False
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names, is_string = re.findall(r"^(?:-m )?([a-z_]+(?:\.\w+)+)$", node.value), True
        else:
            continue
        yield from (Import(path, name, is_string) for name in names if name.split(".")[0] in LOWER_FOLDERS)


def below(folder: str) -> set[str]:
    """Return the folders that a folder may import, including itself."""
    return {folder}.union(*(below(lower) for lower in LOWER_FOLDERS[folder]))


def is_module(name: str) -> bool:
    """Tell whether a dotted name is a module or a package of this repository."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def module_of(name: str) -> str:
    """Return the module that contains an imported name."""
    return name if is_module(name) else name.rpartition(".")[0]


def name_of(path: Path) -> str:
    """Return the dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
