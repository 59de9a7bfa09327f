"""From paths to dashboards, and from one dashboard to the others."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from grafana.preview.dashboard import Dashboard
from grafana.preview.library import Library
from grafana.preview.links import Link, dashboard_query, is_safe
from grafana.preview.panels.scene import anchor
from grafana.preview.view import View


def dashboard_at(pathname: str, library: Library) -> Dashboard | None:
    """Return the dashboard at a path: home at `/`, the others at `/d/<uid>` or `/d/<uid>/<name>`."""
    if pathname == "/":
        return library.home()
    parts = pathname.strip("/").split("/")
    if parts[0] != "d" or len(parts) not in (2, 3):
        return None
    return library.load().dashboards.get(parts[1])


def draw_links(dashboard: Dashboard, library: Library, view: View) -> list[Component]:
    """Return the dashboard's links: menus of the dashboards that have a tag in common, and single pages."""
    return [component for link in dashboard.links for component in _link(link, dashboard, library, view)]


def _link(link: dict[str, Any], dashboard: Dashboard, library: Library, view: View) -> list[Component]:
    title, query = str(link.get("title")), dashboard_query(view, link)
    if link.get("type") == "dashboards":
        items = _dashboards_with(set(link.get("tags") or ()), dashboard, library, query)
        return [_menu(title, items)] if link.get("asDropdown") else items
    href = str(link.get("url", "")) + query
    return [anchor(Link(title, href, bool(link.get("targetBlank"))), title)] if is_safe(href) else []


def _dashboards_with(tags: set[str], current: Dashboard, library: Library, query: str) -> list[Component]:
    return [
        anchor(
            Link(other.title, f"/d/{other.uid}{query}"), other.title, "current" if other is current else ""
        )
        for other in library.load().dashboards.values()
        if tags <= set(other.tags)
    ]


def _menu(title: str, items: list[Component]) -> html.Details:
    return html.Details(
        [html.Summary(title), html.Ul([html.Li(item) for item in items], className="menu")],
        className="picker",
    )
