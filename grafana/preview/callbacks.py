"""What the server does for an open page: which dashboard, what can be chosen, each panel, is all well.

Each panel is a call of its own, so that a slow query keeps only its own panel waiting. Arguments come from
the browser, and may be anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html, no_update, set_props
from dash.development.base_component import Component

from grafana.preview.library import Library
from grafana.preview.links import make_links
from grafana.preview.navigation import dashboard_at, draw_links
from grafana.preview.page import dashboard_page, message_page
from grafana.preview.panel import draw_panel
from grafana.preview.panels.scene import anchor
from grafana.preview.query import Source
from grafana.preview.shortened import shortened
from grafana.preview.variables import ResolvedVariable, resolve_variables
from grafana.preview.view import MAX_LENGTH, dump_view, load_view, parse_search, time_zone

Json = Mapping[str, Any]


class Callbacks:
    """The answers to Dash's callbacks; app.py says when each is asked."""

    def __init__(self, library: Library, source: Source) -> None:
        self._library = library
        self._source = source

    def open_page(self, pathname: str | None) -> tuple[list[Component], dict[str, str] | None]:
        """Return the page at a path, and what the browser should know of its dashboard."""
        loaded = self._library.load()
        dashboard = dashboard_at(pathname or "/", self._library)
        if dashboard is None:
            known = [f"/d/{uid}" for uid in loaded.dashboards] or ["No dashboard could be read."]
            return message_page("No such dashboard", known, loaded.broken), None
        page_of = {"uid": dashboard.uid, "title": dashboard.title, "refresh": dashboard.refresh}
        return dashboard_page(dashboard, loaded.broken), page_of

    def open_view(
        self,
        page_of: Json | None,
        search: str | None,
        browser: Json | None,
        _tick: object,
        ids: Sequence[Json],
        options: Sequence[object],
        values: Sequence[object],
        known_view: Json | None,
    ) -> tuple[Any, ...]:
        """Read the URL: return the view, the variables' options and values, the links, and what is wrong.

        What has not changed is not sent again, so that panels are not asked twice and an open drop-down is
        left alone.
        """
        dashboard = self._library.load().dashboards.get((page_of or {}).get("uid", ""))
        if dashboard is None or browser is None:
            unchanged = [no_update] * len(ids)
            return no_update, unchanged, unchanged, no_update, no_update
        now = datetime.now(time_zone(browser.get("zone")))
        request = parse_search(search or "", dashboard.time_from, dashboard.time_to, now)
        resolved = resolve_variables(
            dashboard, request.variables, request.time_range, self._source.prometheus, self._source.datasource
        )
        choices = {item.variable.name: item.choice for item in resolved}
        view = dump_view(request, choices, browser.get("zone"), browser.get("width")) | {
            "uid": dashboard.uid,
            "label": request.time_range.label,
            "selected": {item.variable.name: list(item.selected) for item in resolved},
        }
        by_name = {item.variable.name: item for item in resolved}
        shown = [by_name[item["name"]] for item in ids]
        return (
            _if_new(view, known_view),
            [_if_new(_options(item), known) for item, known in zip(shown, options, strict=True)],
            [_if_new(_value(item), known) for item, known in zip(shown, values, strict=True)],
            draw_links(dashboard, self._library, load_view(view)),
            _problems(request.problem, resolved),
        )

    def draw(
        self, view: Json | None, _tick: object, choices: Json | None, panel_id: Json, page_of: Json | None
    ) -> tuple[Any, ...]:
        """Return a panel's content, its state, its title and its links."""
        uid = (page_of or {}).get("uid", "")
        dashboard = self._library.load().dashboards.get(uid)
        panel = dashboard.panel(panel_id["index"]) if dashboard else None
        if view is None or dashboard is None or panel is None or view.get("uid") != uid:
            return (no_update,) * 4
        loaded = load_view(view)
        drawing = draw_panel(panel, dashboard, loaded, self._source, choices or {})
        if drawing.figure is not None:
            set_props({"type": "graph", "index": panel.id}, {"figure": drawing.figure})
            set_props({"type": "legend", "index": panel.id}, {"children": drawing.legend})
        links = [anchor(link, ["↗", html.Span(f" {link.title}")]) for link in make_links(panel.links, loaded)]
        return drawing.body, drawing.state, loaded.text(panel.title), links

    def probe(self, _count: object, answered: bool) -> tuple[Component | None, Any]:
        """Return the banner that says that Prometheus does not answer, and whether it does."""
        prometheus = self._source.prometheus
        problem = prometheus.problem()
        answers = _if_new(problem is None, answered)
        if problem is None:
            return None, answers
        text = (
            f"Prometheus at {prometheus.address} does not answer: {problem}."
            " The dashboards come back by themselves when it does."
        )
        return html.Div(text, role="alert"), answers


def _options(item: ResolvedVariable) -> list[dict[str, str]]:
    """What can be chosen. Dash indexes every substring of an option: of a very long one, for minutes."""
    return [
        {"value": value, "label": shortened(label)}
        for value, label in item.options
        if len(value) <= MAX_LENGTH
    ]


def _value(item: ResolvedVariable) -> list[str] | str:
    return list(item.selected) if item.variable.multi else next(iter(item.selected), "")


def _if_new(value: Any, known: object) -> Any:
    return no_update if value == known else value


def _problems(request_problem: str | None, resolved: Sequence[ResolvedVariable]) -> list[html.Div]:
    found = [request_problem] if request_problem else []
    found += [f"Variable {item.variable.label}: {item.problem}" for item in resolved if item.problem]
    return [html.Div(text, className="problem", role="alert") for text in found]
