"""Requests that the viewer refuses, and security headers for browsers."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, request

from grafana.viewer.settings import ViewerSettings
from rq_mon.serving.host_names import is_own_name, is_own_origin

LONGEST_QUERY_STRING = 8000

# A script adds Grafana's styles to empty <style> elements, so the hash is that of the empty text.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def add_guards(app: Flask, settings: ViewerSettings) -> None:
    """Check every request, and add the headers to every answer."""
    names = settings.host_names

    @app.before_request
    def refuse() -> Response | None:
        if not is_own_name(request.host, names):
            return _refused(
                f"The viewer does not have the name {request.host[:200]!r}: see VIEWER_NAMES.",
                HTTPStatus.MISDIRECTED_REQUEST,
            )
        if len(request.query_string) > LONGEST_QUERY_STRING:
            return _refused(
                f"The query string is longer than {LONGEST_QUERY_STRING} characters.",
                HTTPStatus.REQUEST_URI_TOO_LONG,
            )
        if request.path.startswith("/api/") and not _comes_from_here():
            return _refused("Only pages of the viewer may send this request.", HTTPStatus.FORBIDDEN)
        return None

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response


def _comes_from_here() -> bool:
    """Return whether the browser reports the same origin. Programs other than browsers report nothing."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return site in ("same-origin", "none") and is_own_origin(request.headers.get("Origin"), request.host)


def _refused(text: str, status: HTTPStatus) -> Response:
    return Response(text, status, mimetype="text/plain")
