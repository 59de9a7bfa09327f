"""The imports in this repository, read from the sources."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise
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


IMPORTS = (ast.Import, ast.ImportFrom)
LOADERS = ("import_module", "run_module", "find_spec", "__import__")
"""Functions whose first argument names a module."""


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
        names, is_string = (
            (_imported(path, node), False) if isinstance(node, IMPORTS) else (_named(node), True)
        )
        yield from (Import(path, name, is_string) for name in names if name.split(".")[0] in LOWER_FOLDERS)


def _imported(path: Path, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
    module = ".".join((*above, node.module)) if node.module else ".".join(above)
    yield from (f"{module}.{alias.name}" for alias in node.names)


def _named(node: ast.AST) -> Iterator[str]:
    """Return the modules that are named by text: `python -m`, importlib, runpy, or a path of a function."""
    match node:
        case ast.Constant(value=str(text)):
            yield from re.findall(r"^[a-z_]+(?:\.\w+)+$", text)
            yield from re.findall(r"^(?:python )?-m ([a-z_]+(?:\.\w+)*)", text)
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield from re.findall(r"^([a-z_]+(?:\.\w+)*)\.$", text)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            yield from _started(elements)
        case ast.Call(func=function, args=arguments):
            yield from _started(arguments)
            if ast.unparse(function).rpartition(".")[2] in LOADERS:
                yield from map(_text_of, arguments[:1])


def _started(words: Sequence[ast.expr]) -> Iterator[str]:
    yield from (_text_of(after) for word, after in pairwise(words) if _text_of(word) == "-m")


def _text_of(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def below(folder: str) -> set[str]:
    """Return the folders that a folder may import, including itself."""
    return {folder}.union(*(below(lower) for lower in LOWER_FOLDERS[folder]))


def is_module(name: str) -> bool:
    """Return whether a dotted name is a module or a package of this repository."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def module_of(name: str) -> str:
    """Return the module that contains an imported name."""
    return name if is_module(name) else name.rpartition(".")[0]


def name_of(path: Path) -> str:
    """Return the dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
