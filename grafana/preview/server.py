"""The preview as a web server: what it refuses, what it tells browsers, and how it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
from http import HTTPStatus
from types import FrameType
from typing import Any

from dash import Dash
from dash.exceptions import DashException
from flask import Flask, Response, jsonify, request
from waitress.server import create_server

from grafana.preview.app import make_app
from grafana.preview.callbacks import Callbacks
from grafana.preview.datasource import read_datasource
from grafana.preview.library import Library
from grafana.preview.navigation import dashboard_at
from grafana.preview.prometheus import PrometheusClient
from grafana.preview.query import Source
from grafana.preview.settings import PreviewSettings

THREADS = 24
"""More than a browser opens connections: several readers do not wait for each other's slow queries."""
MOST_ARENAS = 2
"""Places that glibc takes memory from. By default each thread has one and keeps what its largest answer took:
35 MiB more in all, as measured while somebody looked at dashboards."""
M_ARENA_MAX = -8
"""glibc's number for that option."""
LONGEST_QUERY_STRING = 8000
LARGEST_HEADER = 32_000
LARGEST_BODY = 2_000_000
GRACE = 1.0
"""Seconds that requests have to end after SIGTERM."""
CALLBACK_PATH = "/_dash-update-component"
INTERNAL_PATHS = ("/_dash-layout", "/_dash-dependencies", CALLBACK_PATH, "/_favicon.ico", "/api/health")
FILE_PATHS = ("/_dash-component-suites/", "/assets/")


def make_server(settings: PreviewSettings) -> Flask:
    """Return the WSGI application; it starts without Prometheus."""
    library = Library(settings.dashboards)
    source = Source(
        PrometheusClient(settings.prometheus_url),
        read_datasource(settings.provisioning, settings.provisioning_variables),
    )
    app = make_app(Callbacks(library, source))
    server: Flask = app.server
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    _add_health(server, library)
    _add_guards(server, app, library)
    _add_headers(server, app)
    return server


def _add_health(server: Flask, library: Library) -> None:
    def health() -> Response:
        loaded = library.load()
        return jsonify(
            {
                "preview": "ok",
                "dashboards": sorted(loaded.dashboards),
                "broken": {file.name: file.reason for file in loaded.broken},
            }
        )

    # Before Dash's own rule, which answers any path with the page.
    server.add_url_rule("/api/health", "health", health)


def _add_guards(server: Flask, app: Dash, library: Library) -> None:
    @server.before_request
    def refuse() -> Response | None:
        if len(request.query_string) > LONGEST_QUERY_STRING:
            return _plain(
                f"The query string is longer than {LONGEST_QUERY_STRING} characters.",
                HTTPStatus.REQUEST_URI_TOO_LONG,
            )
        if request.path == CALLBACK_PATH and not _is_callback(request.get_json(silent=True), app):
            return _plain("This is no callback of the preview's pages.", HTTPStatus.BAD_REQUEST)
        if request.path in INTERNAL_PATHS or request.path.startswith(FILE_PATHS):
            return None
        if dashboard_at(request.path, library):
            return None
        known = "\n".join(f"/d/{uid}" for uid in library.load().dashboards)
        return _plain(f"There is no such page. The dashboards are:\n{known}\n", HTTPStatus.NOT_FOUND)

    @server.errorhandler(DashException)
    def no_such_file(_error: DashException) -> Response:
        return _plain("There is no such file.", HTTPStatus.NOT_FOUND)


def _is_callback(body: Any, app: Dash) -> bool:
    """Tell whether a request body names one of the callbacks; what it brings them, they check themselves."""
    return isinstance(body, dict) and str(body.get("output")) in app.callback_map and "inputs" in body


def _plain(text: str, status: HTTPStatus) -> Response:
    return Response(text, status, mimetype="text/plain")


def _add_headers(server: Flask, app: Dash) -> None:
    policy = "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(app.csp_hashes())}",
            "style-src 'self' 'unsafe-inline'",  # Plotly and React write styles into the page
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )

    @server.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response


def serve(settings: PreviewSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: the address cannot be listened on.
    """
    _share_memory()
    server = create_server(
        make_server(settings),
        host=settings.host,
        port=settings.port,
        threads=THREADS,
        ident="rq-mon preview",
        max_request_header_size=LARGEST_HEADER,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # A slow query must not keep the process: there is nothing to lose.
        last_resort = threading.Timer(GRACE, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    print(f"Preview of the Grafana dashboards: http://{settings.host}:{settings.port}/", flush=True)
    server.run()


def _share_memory() -> None:
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such option
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, MOST_ARENAS)
