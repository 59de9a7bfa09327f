"""The Dash application: what happens when a page opens, a choice changes, or time passes.

The URL holds what a reader chose, as in Grafana; the browser's part of that is assets/preview.js. Each panel
is a callback of its own, so that a slow query keeps only its own panel waiting.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.dependencies import DashDependency
from dash.development.base_component import Component

from preview.dashboard import Dashboard
from preview.library import Library
from preview.links import Link, dashboard_query, is_safe, make_links
from preview.page import dashboard_page, message_page
from preview.panel import draw_panel
from preview.panels.scene import anchor
from preview.query import Source
from preview.variables import ResolvedVariable, resolve_variables
from preview.view import View, dump_view, load_view, parse_search, time_zone

PROBE_EVERY = 3000
"""Milliseconds between looks whether Prometheus answers."""


def make_app(library: Library, source: Source) -> Dash:
    """Return the application; it asks Prometheus only when a page asks for data."""
    app = Dash(
        "preview",
        title="Preview of the Grafana dashboards",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        assets_folder="assets",
        add_log_handler=False,
    )
    app.layout = _layout()
    _add_browser_callbacks(app)
    _add_page_callbacks(app, library, source)
    return app


def _layout() -> html.Div:
    return html.Div(
        [
            dcc.Location(id="location", refresh=False),
            dcc.Store(id="browser"),
            dcc.Store(id="tick"),
            dcc.Store(id="prometheus-answers", data=True),
            dcc.Store(id="page-of"),
            dcc.Store(id="view"),
            dcc.Interval(id="refresh-timer", disabled=True),
            dcc.Interval(id="probe-timer", interval=PROBE_EVERY),
            html.Div(id="banner"),
            html.Div(id="page"),
        ]
    )


def _add_browser_callbacks(app: Dash) -> None:
    """Add what happens in the browser alone: functions of assets/preview.js."""

    def in_browser(name: str, *dependencies: DashDependency, initially: bool = True) -> None:
        function = ClientsideFunction("preview", name)
        app.clientside_callback(  # type: ignore[no-untyped-call]
            function, *dependencies, prevent_initial_call=not initially
        )

    in_browser("describe", Output("browser", "data"), Input("location", "pathname"))
    in_browser(
        "setTimer",
        Output("refresh-timer", "interval"),
        Output("refresh-timer", "disabled"),
        Input("page-of", "data"),
        Input("location", "search"),
    )
    in_browser(
        "tick",
        Output("tick", "data"),
        Input("refresh-timer", "n_intervals"),
        Input("prometheus-answers", "data"),
        initially=False,
    )
    in_browser("showView", Input("view", "data"), State("page-of", "data"))
    in_browser(
        "chooseVariables",
        Input({"type": "variable", "name": ALL}, "value"),
        State({"type": "variable", "name": ALL}, "id"),
        State("view", "data"),
    )
    in_browser("zoom", Input({"type": "graph", "index": ALL}, "relayoutData"))
    in_browser(
        "openPoint",
        Output({"type": "popover", "index": MATCH}, "children"),
        Input({"type": "graph", "index": MATCH}, "clickData"),
        State({"type": "graph", "index": MATCH}, "figure"),
        initially=False,
    )


def _add_page_callbacks(app: Dash, library: Library, source: Source) -> None:
    """Add what the server has to do."""

    @app.callback(Output("page", "children"), Output("page-of", "data"), Input("location", "pathname"))
    def open_page(pathname: str | None) -> tuple[list[Component], dict[str, str] | None]:
        loaded = library.load()
        dashboard = dashboard_at(pathname or "/", library)
        if dashboard is None:
            known = [f"/d/{uid}" for uid in loaded.dashboards]
            return message_page(
                "No such dashboard", known or ["No dashboard could be read."], loaded.broken
            ), None
        page_of = {"uid": dashboard.uid, "title": dashboard.title, "refresh": dashboard.refresh}
        return dashboard_page(dashboard, loaded.broken), page_of

    @app.callback(
        Output("view", "data"),
        Output({"type": "variable", "name": ALL}, "options"),
        Output({"type": "variable", "name": ALL}, "value"),
        Output("links", "children"),
        Output("view-problems", "children"),
        Input("page-of", "data"),
        Input("location", "search"),
        Input("browser", "data"),
        Input("tick", "data"),
        State({"type": "variable", "name": ALL}, "id"),
        State({"type": "variable", "name": ALL}, "options"),
        State({"type": "variable", "name": ALL}, "value"),
        State("view", "data"),
        prevent_initial_call=True,
    )
    def open_view(
        page_of: dict[str, str] | None,
        search: str | None,
        browser: dict[str, Any] | None,
        _tick: object,
        ids: list[dict[str, str]],
        options: list[Any],
        values: list[Any],
        view: dict[str, Any] | None,
    ) -> tuple[Any, ...]:
        dashboard = library.load().dashboards.get((page_of or {}).get("uid", ""))
        if dashboard is None or browser is None:
            return no_update, [no_update] * len(ids), [no_update] * len(ids), no_update, no_update
        now = datetime.now(time_zone(browser.get("zone")))
        request = parse_search(search or "", dashboard.time_from, dashboard.time_to, now)
        resolved = resolve_variables(
            dashboard, request.variables, request.time_range, source.prometheus, source.datasource
        )
        choices = {item.variable.name: item.choice for item in resolved}
        data = dump_view(request, choices, browser.get("zone"), browser.get("width"))
        data |= {"uid": dashboard.uid, "label": request.time_range.label, "selected": _selected(resolved)}
        by_name = {item.variable.name: item for item in resolved}
        shown = [by_name[item["name"]] for item in ids if item["name"] in by_name]
        return (
            no_update if data == view else data,
            [
                _if_new([{"value": v, "label": label} for v, label in s.options], options[i])
                for i, s in enumerate(shown)
            ],
            [
                _if_new(list(s.selected) if s.variable.multi else (s.selected or ("",))[0], values[i])
                for i, s in enumerate(shown)
            ],
            _links(dashboard, library, load_view(data)),
            _problems(request.problem, resolved),
        )

    @app.callback(
        Output({"type": "body", "index": MATCH}, "children"),
        Output({"type": "panel", "index": MATCH}, "data-state"),
        Output({"type": "title", "index": MATCH}, "children"),
        Output({"type": "panel-links", "index": MATCH}, "children"),
        Input("view", "data"),
        Input("tick", "data"),
        Input({"type": "choices", "index": MATCH}, "data"),
        State({"type": "panel", "index": MATCH}, "id"),
        State("page-of", "data"),
        prevent_initial_call=False,
    )
    def draw(
        view: dict[str, Any] | None,
        _tick: object,
        choices: dict[str, Any] | None,
        panel_id: dict[str, Any],
        page_of: dict[str, str] | None,
    ) -> tuple[Any, ...]:
        uid = (page_of or {}).get("uid", "")
        dashboard = library.load().dashboards.get(uid)
        panel = dashboard.panel(panel_id["index"]) if dashboard else None
        if view is None or dashboard is None or panel is None or view.get("uid") != uid:
            return (no_update,) * 4
        loaded = load_view(view)
        drawing = draw_panel(panel, dashboard, loaded, source, choices or {})
        links = [anchor(link, "↗ " + link.title) for link in make_links(panel.links, loaded)]
        if drawing.figure is not None:
            set_props({"type": "graph", "index": panel.id}, {"figure": drawing.figure})
            set_props({"type": "legend", "index": panel.id}, {"children": drawing.legend})
        return drawing.body, drawing.state, loaded.text(panel.title), links

    @app.callback(
        Output("banner", "children"),
        Output("prometheus-answers", "data"),
        Input("probe-timer", "n_intervals"),
        State("prometheus-answers", "data"),
    )
    def probe(_count: object, answered: bool) -> tuple[Any, Any]:
        problem = source.prometheus.problem()
        answers = _if_new(problem is None, answered)
        if problem is None:
            return None, answers
        text = f"Prometheus at {source.prometheus.address} does not answer: {problem}. "
        return html.Div(text + "The dashboards come back by themselves when it does.", role="alert"), answers


def dashboard_at(pathname: str, library: Library) -> Dashboard | None:
    """Return the dashboard at a path: home at `/`, the others at `/d/<uid>` or `/d/<uid>/<name>`."""
    if pathname == "/":
        return library.home()
    parts = pathname.strip("/").split("/")
    if parts[0] != "d" or len(parts) not in (2, 3):
        return None
    return library.load().dashboards.get(parts[1])


def _selected(resolved: list[ResolvedVariable]) -> dict[str, list[str]]:
    return {item.variable.name: list(item.selected) for item in resolved}


def _if_new(value: Any, known: Any) -> Any:
    """Return the value only if it differs, so that an open drop-down is left alone."""
    return no_update if value == known else value


def _problems(request_problem: str | None, resolved: list[ResolvedVariable]) -> list[html.Div]:
    found = [request_problem] if request_problem else []
    found += [f"Variable {item.variable.label}: {item.problem}" for item in resolved if item.problem]
    return [html.Div(text, className="problem", role="alert") for text in found]


def _links(dashboard: Dashboard, library: Library, view: View) -> list[Component]:
    menus: list[Component] = []
    for link in dashboard.links:
        query = dashboard_query(view, link)
        if link.get("type") == "dashboards":
            tags = set(link.get("tags") or ())
            found = [other for other in library.load().dashboards.values() if tags <= set(other.tags)]
            items = [
                anchor(
                    Link(other.title, f"/d/{other.uid}{query}"),
                    other.title,
                    "current" if other is dashboard else "",
                )
                for other in found
            ]
            menus.append(_menu(str(link.get("title")), items) if link.get("asDropdown") else html.Div(items))
        elif is_safe(url := str(link.get("url", ""))):
            menus.append(
                anchor(
                    Link(str(link.get("title")), url + query, bool(link.get("targetBlank"))),
                    str(link.get("title")),
                )
            )
    return menus


def _menu(title: str, items: list[Component]) -> html.Details:
    return html.Details(
        [html.Summary(title), html.Ul([html.Li(item) for item in items], className="menu")],
        className="picker",
    )
