"""The exemplars of a graph as a list: what a click on a point opens, for readers who use the keyboard."""

from __future__ import annotations

from dash import html

from grafana.preview.panels.scene import Children, Scene, anchor

MOST_LISTED = 20


def exemplar_list(scene: Scene) -> Children:
    """Return the newest exemplars with their links, hidden until they have the focus; None without any."""
    newest = sorted(scene.data.exemplars, key=lambda exemplar: exemplar.time, reverse=True)[:MOST_LISTED]
    if not newest:
        return None
    items = [
        html.Li(
            [
                html.Span(", ".join(f"{name}: {value}" for name, value in exemplar.labels.items())),
                *(anchor(link, link.title) for link in exemplar.links),
            ]
        )
        for exemplar in newest
    ]
    return html.Details(
        [html.Summary(f"Exemplars of {scene.panel.title}"), html.Ul(items)], className="exemplars"
    )
