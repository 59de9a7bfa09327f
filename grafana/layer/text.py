"""Grafana's text panel."""

from __future__ import annotations

from grafana.layer.panel import Panel


def text(title: str, markdown: str) -> Panel:
    """A text that never changes."""
    return Panel(type="text", title=title, options={"mode": "markdown", "content": markdown})
