"""Checks of every request, and headers of every answer."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

from rq_mon.serving.host_names import is_own_name, is_own_origin
from rq_mon.web.login import csrf_token
from rq_mon.web.settings import WebSettings

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)
"""No scripts at all: any program may have written the names and messages of jobs."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

READING = ("GET", "HEAD")
OPEN_TO_ALL = frozenset(
    {"health", "static", "login.login_page", "login.log_in", "runbooks.runbook", "runbooks.runbooks"}
)
"""Endpoints that need no login."""
WITHOUT_TOKEN = frozenset({"login.log_in"})
"""Before a login there is no token; the check of the origin still applies."""


def add_guards(app: Flask, settings: WebSettings) -> None:
    """Add the checks to the application: who may see a page, and who may change something."""

    @app.before_request
    def refuse() -> Response | None:
        if not is_own_name(request.host, settings.host_names):
            abort(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"These job pages do not have the name {request.host[:200]}: see RQ_MON_WEB_NAMES.",
            )
        if request.method not in READING:
            _check_change(settings)
        if request.endpoint in OPEN_TO_ALL or csrf_token() is not None:
            return None
        if request.method in READING and settings.read_without_login == "yes":
            return None
        if request.method not in READING:
            abort(HTTPStatus.FORBIDDEN, "Your login has expired. Log in, and try again.")
        wanted = request.full_path.rstrip("?") if request.query_string else request.path
        return redirect(f"/login?next={quote(wanted, safe='/')}", HTTPStatus.SEE_OTHER)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.endpoint == "static":
            response.headers["Cache-Control"] = "max-age=3600"
        return response


def _check_change(settings: WebSettings) -> None:
    if not _comes_from_here():
        abort(HTTPStatus.FORBIDDEN, "Only forms on this site can change anything.")
    if request.endpoint in WITHOUT_TOKEN:
        return
    token, given = csrf_token(), request.form.get("csrf", "")
    if token is None or not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        abort(
            HTTPStatus.FORBIDDEN,
            "This form is from an earlier login. Go back, reload the page, and try again.",
        )
    if settings.changes == "no" and request.endpoint != "login.log_out":
        abort(HTTPStatus.FORBIDDEN, "These pages are read-only: RQ_MON_WEB_CHANGES is no.")


def _comes_from_here() -> bool:
    """Return whether the browser says so; other programs send no one's cookie."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return site == "same-origin" and is_own_origin(request.headers.get("Origin"), request.host)
