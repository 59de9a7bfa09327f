"""The files of data/, wherever the package is installed."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def texts(*folder: str, suffix: str) -> dict[str, str]:
    """Return name and text of each file directly in a folder of data/, sorted by name."""
    found = _data().joinpath(*folder).iterdir()
    return {
        each.name: each.read_text(encoding="utf-8")
        for each in sorted(found, key=lambda each: each.name)
        if each.name.endswith(suffix)
    }


def _data() -> Traversable:
    return files("rq_mon.export").joinpath("data")
