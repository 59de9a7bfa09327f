"""The runbooks, wherever the package is installed."""

from __future__ import annotations

from functools import cache

from rq_mon.export.package_data import texts


@cache
def runbook_texts() -> dict[str, str]:
    """Return name and Markdown of each runbook, sorted by name."""
    return texts("runbooks", suffix=".md")
