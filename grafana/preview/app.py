"""The Dash application: what is asked when a page opens, a choice changes, or time passes.

The URL holds what a reader chose, as in Grafana; the browser's part of that is assets/preview.js.
"""

from __future__ import annotations

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.dependencies import DashDependency

from grafana.preview.callbacks import Callbacks

PROBE_EVERY = 3000
"""Milliseconds between looks whether Prometheus answers."""


def make_app(callbacks: Callbacks) -> Dash:
    """Return the application; it asks Prometheus only when a page asks for data."""
    app = Dash(
        __name__,
        title="Preview of the Grafana dashboards",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        assets_folder="assets",
        add_log_handler=False,
    )
    app.layout = _layout()
    _add_browser_callbacks(app)
    _add_server_callbacks(app, callbacks)
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


def _add_server_callbacks(app: Dash, callbacks: Callbacks) -> None:
    """Add what the server has to do."""
    app.callback(Output("page", "children"), Output("page-of", "data"), Input("location", "pathname"))(
        callbacks.open_page
    )
    app.callback(
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
    )(callbacks.open_view)
    app.callback(
        Output({"type": "body", "index": MATCH}, "children"),
        Output({"type": "panel", "index": MATCH}, "data-state"),
        Output({"type": "title", "index": MATCH}, "children"),
        Output({"type": "panel-links", "index": MATCH}, "children"),
        Input("view", "data"),
        Input("tick", "data"),
        Input({"type": "choices", "index": MATCH}, "data"),
        State({"type": "panel", "index": MATCH}, "id"),
        State("page-of", "data"),
    )(callbacks.draw)
    app.callback(
        Output("banner", "children"),
        Output("prometheus-answers", "data"),
        Input("probe-timer", "n_intervals"),
        State("prometheus-answers", "data"),
    )(callbacks.probe)
