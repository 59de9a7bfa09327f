"""Text: words that the dashboard's author wrote, as Markdown or as they are."""

from __future__ import annotations

from dash import dcc, html

from grafana.preview.panels.scene import Drawing, Scene


def draw(scene: Scene) -> Drawing:
    """Draw the text; HTML is never taken for markup."""
    content = scene.view.text(str(scene.panel.options.get("content") or ""))
    if scene.panel.options.get("mode", "markdown") == "markdown":
        return Drawing(dcc.Markdown(content, className="markdown", dangerously_allow_html=False))
    return Drawing(html.Pre(content, className="plain-text"))
