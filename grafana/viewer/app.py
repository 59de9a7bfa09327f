"""The viewer as a WSGI application: the page, the dashboards, and the proxy to Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from http import HTTPStatus
from typing import IO

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from grafana.viewer.bundle import Bundle
from grafana.viewer.datasource import DataSource, read_datasource
from grafana.viewer.guards import add_guards
from grafana.viewer.library import Library
from grafana.viewer.proxy import LONGEST_QUERY, Proxy, RefusedError
from grafana.viewer.settings import ViewerSettings

A_YEAR = 365 * 86_400
CHUNK = 64 * 1024


def make_app(settings: ViewerSettings) -> Flask:
    """Return the application. It starts without Prometheus.

    Raises:
        FileNotFoundError: the page was not built.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = (
        3 * LONGEST_QUERY
    )  # percent-encoded
    add_guards(app, settings)
    library = Library(settings.dashboards)
    _add_pages(app, library, Bundle())
    _add_dashboards(app, library, read_datasource(settings.provisioning, settings.provisioning_variables))
    _add_prometheus(app, Proxy(settings.prometheus_url))
    return app


def _add_pages(app: Flask, library: Library, bundle: Bundle) -> None:
    @app.get("/")
    def home() -> AnyResponse:
        dashboard = library.load().home()
        if dashboard is None:
            return plain("There is no dashboard in the folder.", HTTPStatus.NOT_FOUND)
        query = request.query_string.decode("latin-1")
        return redirect(f"/d/{dashboard.uid}" + (f"?{query}" if query else ""))

    @app.get("/d/<uid>")
    @app.get("/d/<uid>/<_name>")
    def dashboard_page(uid: str, _name: str = "") -> Response:
        known = library.load().dashboards
        if uid not in known:
            ways = "\n".join(f"/d/{each}" for each in known)
            return plain(f"There is no such dashboard. There are:\n{ways}\n", HTTPStatus.NOT_FOUND)
        return Response(bundle.page, mimetype="text/html", headers={"Cache-Control": "no-cache"})

    @app.get("/public/<path:name>")
    def public_file(name: str) -> Response:
        file = bundle.files.get(name)
        if file is None:
            return plain("There is no such file.", HTTPStatus.NOT_FOUND)
        headers = {"Cache-Control": f"public, max-age={A_YEAR}, immutable", "Vary": "Accept-Encoding"}
        if file.compressed is not None and request.accept_encodings.quality("gzip") > 0:
            return Response(
                file.compressed, mimetype=file.type, headers={**headers, "Content-Encoding": "gzip"}
            )
        return Response(file.plain(), mimetype=file.type, headers=headers)


def _add_dashboards(app: Flask, library: Library, source: DataSource) -> None:
    @app.get("/health")
    def health() -> Response:
        loaded = library.load()
        return jsonify({"viewer": "ok", "dashboards": sorted(loaded.dashboards), "broken": loaded.broken})

    @app.get("/api/viewer")
    def viewer() -> Response:
        dashboards = library.load().dashboards.values()
        return jsonify(
            {
                "dashboards": [{"uid": one.uid, "title": one.title, "tags": one.tags} for one in dashboards],
                "source": {
                    "name": source.name,
                    "scrapeInterval": source.scrape_interval,
                    "exemplars": [asdict(one) for one in source.destinations],
                },
            }
        )

    @app.get("/api/dashboards/<uid>")
    def dashboard(uid: str) -> Response:
        found = library.load().dashboards.get(uid)
        if found is None:
            return plain("There is no such dashboard.", HTTPStatus.NOT_FOUND)
        return Response(found.text, mimetype="application/json")


def _add_prometheus(app: Flask, proxy: Proxy) -> None:
    @app.route("/api/prometheus/<path:path>", methods=["GET", "POST"])
    def prometheus(path: str) -> Response:
        answer = proxy.ask(path, [*request.args.items(multi=True), *request.form.items(multi=True)])
        return Response(_chunks(answer.body), answer.status, mimetype="application/json")

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> tuple[Response, HTTPStatus]:
        return jsonify({"status": "error", "errorType": error.kind, "error": str(error)}), error.status


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    with body:
        while chunk := body.read(CHUNK):
            yield chunk


def plain(text: str, status: HTTPStatus) -> Response:
    return Response(text, status, mimetype="text/plain")
