"""The copies of rules, dashboards and runbooks that the package rq_mon hands out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stack.settings import PROJECT_ROOT

DATA = PROJECT_ROOT / "rq_mon" / "export" / "data"

SOURCES = {
    "rules": (PROJECT_ROOT / "prometheus" / "rules", "*.yml"),
    "dashboards": (PROJECT_ROOT / "grafana" / "generated", "*.json"),
    "runbooks": (PROJECT_ROOT / "docs" / "runbooks", "*.md"),
}
"""Folder of data/ -> where its files come from, and which."""


def package_data() -> dict[Path, str]:
    """Return path and text of every file."""
    return dict(_copies())


def _copies() -> Iterator[tuple[Path, str]]:
    for name, (source, pattern) in SOURCES.items():
        for file in sorted(source.rglob(pattern)):
            yield DATA / name / file.relative_to(source), file.read_text(encoding="utf-8")
