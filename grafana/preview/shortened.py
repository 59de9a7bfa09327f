"""Names that others chose, cut to what a page can show: laying out 10,000 characters stops a browser."""

from __future__ import annotations

LONGEST_NAME = 200


def shortened(name: str) -> str:
    """Return the name, or its beginning where it is too long."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
