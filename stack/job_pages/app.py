"""rq-dashboard as a WSGI application that asks for a password, and lets no other page press its buttons."""

from __future__ import annotations

import hmac
from http import HTTPStatus

from flask import Flask, Response, request
from rq.exceptions import NoSuchJobError
from rq_dashboard.cli import make_flask_app
from rq_dashboard.web import config as dashboard_config
from rq_dashboard.web import setup_rq_connection

from rq_mon.calls.serializers import FORMATS
from stack.job_pages.settings import PageSettings
from stack.secrets import RQ_DASHBOARD_USER
from stack.services import RQ_DASHBOARD

LARGEST_BODY = 100_000
LOOKING = ("GET", "HEAD", "OPTIONS")
REQUEUES_ALL = "/requeue/"
"""rq-dashboard takes GET for it, which any link and any image can ask for."""


def make_app(settings: PageSettings) -> Flask:
    """Return the WSGI application; it starts without Redis."""
    app: Flask = make_flask_app(None, None, None, "")
    app.config.update(
        RQ_DASHBOARD_REDIS_URL=settings.processes.redis_url,
        DEPRECATED_OPTIONS=[],
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    dashboard_config.serializer = FORMATS[settings.processes.serializer].serializer
    setup_rq_connection(app)
    _add_guards(app, settings.password)
    return app


def _add_guards(app: Flask, password: str) -> None:
    @app.before_request
    def refuse() -> Response | None:
        if request.path == RQ_DASHBOARD.health_path:
            return _plain("ok", HTTPStatus.OK)
        if not _is_logged_in(password):
            response = _plain("This page asks for a name and a password.", HTTPStatus.UNAUTHORIZED)
            response.headers["WWW-Authenticate"] = 'Basic realm="rq-dashboard", charset="UTF-8"'
            return response
        if request.method in LOOKING and request.path.startswith(REQUEUES_ALL):
            return _plain("Only the button does that.", HTTPStatus.METHOD_NOT_ALLOWED)
        if request.method not in LOOKING and not _comes_from_here():
            return _plain("Only pages of this address may change anything.", HTTPStatus.FORBIDDEN)
        return None

    @app.errorhandler(NoSuchJobError)
    def no_such_job(_error: NoSuchJobError) -> Response:
        return _plain("There is no such job: it was deleted, or its time was over.", HTTPStatus.NOT_FOUND)

    @app.after_request
    def protect(response: Response) -> Response:
        # Names and errors of jobs are anybody's text: what gets into a page must not get anything out of it.
        response.headers["Content-Security-Policy"] = (
            "default-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
            " form-action 'self'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _is_logged_in(password: str) -> bool:
    given = request.authorization
    if given is None or given.username is None or given.password is None:
        return False
    # Both are compared, in a time that tells nothing of them.
    right_name = hmac.compare_digest(given.username.encode(), RQ_DASHBOARD_USER.encode())
    right_password = hmac.compare_digest(given.password.encode(), password.encode())
    return right_name and right_password


def _comes_from_here() -> bool:
    """Tell whether the browser says so; what is no browser says nothing, and has no login of others."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", request.host_url.rstrip("/"))
    return site == "same-origin" and origin == request.host_url.rstrip("/")


def _plain(text: str, status: HTTPStatus) -> Response:
    return Response(text, status, mimetype="text/plain")
