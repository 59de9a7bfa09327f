"""The page: a header that every dashboard has, and the dashboard's panels on Grafana's grid, still empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from grafana.preview.dashboard import GRID_COLUMNS, BrokenFile, Dashboard, Panel, Section, Variable
from grafana.preview.markup import attributes
from grafana.preview.panels import GRAPHS
from grafana.preview.timerange import QUICK_RANGES, REFRESH_INTERVALS

GRAPH_CONFIG: Any = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}

NOTICE = "Preview of the Grafana dashboards"


def dashboard_page(dashboard: Dashboard, broken: Sequence[BrokenFile]) -> list[Component]:
    """Return the page of one dashboard; its panels are drawn when their data is there."""
    return [
        _header(dashboard),
        html.Div(
            [
                html.Div([_variable(v) for v in dashboard.variables if not v.hide], className="variables"),
                html.Nav(id="links", className="links", **attributes(aria_label="Related dashboards")),
            ],
            className="submenu",
        ),
        html.Div(id="view-problems"),
        *[_broken(file) for file in broken],
        html.Main([_section(section) for section in dashboard.sections], className="dashboard"),
    ]


def message_page(title: str, lines: Sequence[str], broken: Sequence[BrokenFile] = ()) -> list[Component]:
    """Return a page that has only something to say."""
    return [
        html.Header(html.Span(NOTICE, className="notice"), className="topbar"),
        html.Main([html.H1(title), *map(html.P, lines)], className="message"),
        *[_broken(file) for file in broken],
    ]


def _header(dashboard: Dashboard) -> html.Header:
    return html.Header(
        [
            html.Div(
                [
                    html.H1(dashboard.title, title=dashboard.description),
                    html.Span(NOTICE, className="notice", title=dashboard.description),
                ],
                className="titles",
            ),
            html.Div([_time_picker(), _refresh_picker(dashboard), _theme_button()], className="controls"),
        ],
        className="topbar",
    )


def _time_picker() -> html.Details:
    ranges = [
        html.Li(html.Button(label, type="button", **attributes(data_from=raw, data_to="now")))
        for raw, label in QUICK_RANGES
    ]
    absolute = [
        html.Label(["From", dcc.Input(id="time-from", type="text", autoComplete="off", debounce=True)]),
        html.Label(["To", dcc.Input(id="time-to", type="text", autoComplete="off", debounce=True)]),
        html.Button("Apply time range", id="time-apply", type="button", className="primary"),
        html.P("Such as now-6h, or 2026-01-31 12:00:00 in your own time zone.", className="hint"),
    ]
    return html.Details(
        [
            html.Summary("Time range", id="time-label", title="Choose a time range"),
            html.Div(
                [html.Div(absolute, className="absolute"), html.Ul(ranges, className="quick-ranges")],
                className="menu time-menu",
            ),
        ],
        id="time-picker",
        className="picker",
    )


def _refresh_picker(dashboard: Dashboard) -> html.Div:
    intervals = list(REFRESH_INTERVALS)
    if dashboard.refresh and dashboard.refresh not in intervals:
        intervals.insert(0, dashboard.refresh)
    options = [html.Option("Off", value=""), *(html.Option(text, value=text) for text in intervals)]
    return html.Div(
        [
            html.Button("Refresh", id="refresh-now", type="button", title="Ask Prometheus again"),
            html.Select(
                options,
                id="refresh-choice",
                title="Refresh by itself",
                **attributes(aria_label="Auto refresh"),
            ),
        ],
        className="refresh",
    )


def _theme_button() -> html.Button:
    return html.Button("Theme", id="theme-button", type="button", title="Light or dark")


def _variable(variable: Variable) -> html.Div:
    label_id = f"variable-label-{variable.name}"
    return html.Div(
        [
            html.Span(variable.label, id=label_id, className="variable-label"),
            dcc.Dropdown(
                id={"type": "variable", "name": variable.name},
                options=[],
                multi=variable.multi,
                clearable=False,
                className="variable-choice",
                maxHeight=400,
            ),
        ],
        className="variable",
        role="group",
        **attributes(aria_labelledby=label_id),
    )


def _broken(file: BrokenFile) -> html.Div:
    return html.Div(f"{file.name} is not a dashboard: {file.reason}", className="problem", role="alert")


def _section(section: Section) -> Component:
    top = min((panel.grid.y for panel in section.panels), default=0)
    grid = html.Div([_panel(panel, top) for panel in section.panels], className="grid")
    if section.title is None:
        return grid
    return html.Details(
        [html.Summary(html.H2(section.title)), grid], open=not section.collapsed, className="section"
    )


def _panel(panel: Panel, top: int) -> html.Section:
    place = {
        "gridColumn": f"{panel.grid.x + 1} / span {panel.grid.width}",
        "gridRow": f"{panel.grid.y - top + 1} / span {panel.grid.height}",
    }
    return html.Section(
        [
            html.Header(
                [
                    html.H3(panel.title, id={"type": "title", "index": panel.id}),
                    _description(panel),
                    html.Div(id={"type": "panel-links", "index": panel.id}, className="panel-links"),
                ],
                className="panel-header",
            ),
            html.Div(
                [
                    _graph(panel) if panel.type in GRAPHS else None,
                    html.Div("Loading…", id={"type": "body", "index": panel.id}, className="panel-content"),
                ],
                className="panel-body",
            ),
            html.Div(id={"type": "popover", "index": panel.id}),
            dcc.Store(id={"type": "choices", "index": panel.id}),
        ],
        id={"type": "panel", "index": panel.id},
        className="panel",
        style=place,
        **attributes(
            data_panel_id=str(panel.id),
            data_panel_type=panel.type,
            data_panel_title=panel.title,
            data_state="loading",
        ),
    )


def _graph(panel: Panel) -> html.Div:
    """Return the graph that the panel's figures go to: the same one for as long as the page is open."""
    placement = (panel.options.get("legend") or {}).get("placement")
    return html.Div(
        [
            dcc.Graph(
                id={"type": "graph", "index": panel.id},
                config=GRAPH_CONFIG,
                responsive=True,
                className="graph",
            ),
            html.Div(id={"type": "legend", "index": panel.id}, className="legend"),
        ],
        className=f"graph-and-legend legend-{'right' if placement == 'right' else 'bottom'}",
    )


def _description(panel: Panel) -> Component | None:
    if not panel.description:
        return None
    at_the_right = panel.grid.x + panel.grid.width > GRID_COLUMNS * 3 // 4
    side = "bubble bubble-leftwards" if at_the_right else "bubble"
    return html.Button(
        ["i", html.Span(panel.description, className=side, role="tooltip")],
        type="button",
        className="info",
        **attributes(aria_label=f"About {panel.title}"),
    )
