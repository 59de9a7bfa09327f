"""The job pages as a WSGI application."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from http import HTTPStatus

from flask import Flask, Response, render_template
from redis import Redis
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException

from rq_mon.state.errors import outage_reason
from rq_mon.web import login, texts
from rq_mon.web.guards import add_guards
from rq_mon.web.links import around, in_form, link, to_dashboard
from rq_mon.web.pages import changes, cron, failures, job, jobs, overview, runbooks, running, workers
from rq_mon.web.settings import WebSettings
from rq_mon.web.site import SITE, Site

logger = logging.getLogger("rq_mon.web")

PAGES = (login, overview, jobs, job, failures, running, workers, cron, runbooks, changes)
FILTERS = (
    *(
        texts.short,
        texts.breakable,
        texts.number,
        texts.span,
        texts.moment,
        texts.ago,
        texts.size,
        texts.counted,
    ),
    in_form,
)


def make_app(settings: WebSettings, connection: Redis) -> Flask:
    """Return the WSGI application; it starts without Redis."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME=login.COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # links of alerts come from other sites, changes from none
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=login.SECONDS),
    )
    app.extensions[SITE] = Site(connection, settings)
    app.extensions["rq_mon_logins"] = login.Logins(settings.password)
    add_guards(app, settings)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    app.add_url_rule("/health", "health", lambda: Response("ok\n", mimetype="text/plain"))
    _set_up_templates(app, settings)
    _handle_errors(app)
    return app


def _set_up_templates(app: Flask, settings: WebSettings) -> None:
    app.jinja_env.finalize = texts.presentable
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {each.__name__: each for each in FILTERS}
    base = settings.grafana_url
    app.jinja_env.globals |= {
        "link": link,
        "dashboard": lambda uid, span=None, **variables: to_dashboard(base, uid, span, **variables),
        "around": around,
    }

    @app.context_processor
    def of_request() -> dict[str, object]:
        token = login.csrf_token()
        return {"csrf": token, "may_change": token is not None and settings.changes == "yes"}


def _handle_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        return render_template("error.html", title=error.name, text=error.description), status

    @app.errorhandler(RedisError)
    @app.errorhandler(TimeoutError)
    def no_redis(error: Exception) -> tuple[str, int]:
        logger.warning("Redis cannot be read: %s: %s", type(error).__name__, error)
        text = f"Redis cannot be read ({outage_reason(error)}). Reload the page to try again."
        return render_template("error.html", title="No answer from Redis", text=text), 503
