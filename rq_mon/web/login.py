"""Logins of the one user, with one password."""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Blueprint, current_app, redirect, render_template, request, session
from werkzeug.wrappers import Response

from rq_mon.web.attempts import FailedLogins
from rq_mon.web.links import local_path

logger = logging.getLogger("rq_mon.web")

USER = "rq-mon"
SECONDS = 12 * 3600
MOST = 1000
"""Logins at the same time; a new one ends the oldest."""
COOKIE = "rq_mon_web"

blueprint = Blueprint("login", __name__)


@dataclass(slots=True)
class Logins:
    """The password and the current logins, which end with this process."""

    password: str | None
    failed: FailedLogins = field(default_factory=FailedLogins)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Id -> when it ends (time.monotonic), and its CSRF token."""

    def accepts(self, user: str, password: str) -> bool:
        """Return whether user and password are right, in constant time."""
        is_user = hmac.compare_digest(user.encode(errors="replace"), USER.encode())
        expected = (self.password or secrets.token_hex()).encode()
        return hmac.compare_digest(password.encode(errors="replace"), expected) and is_user

    def begin(self) -> str:
        """Start a login, and return its id."""
        with self._lock:
            while len(self._open) >= MOST:
                del self._open[next(iter(self._open))]
            login_id = secrets.token_urlsafe(32)
            self._open[login_id] = time.monotonic() + SECONDS, secrets.token_urlsafe(32)
            return login_id

    def end(self, login_id: str) -> None:
        """End a login, which makes the browser's cookie invalid."""
        with self._lock:
            self._open.pop(login_id, None)

    def csrf_token(self, login_id: str) -> str | None:
        """Return the token that a change needs; None if the login does not exist."""
        with self._lock:
            ends, token = self._open.get(login_id, (0.0, ""))
        return token if ends > time.monotonic() else None


def logins() -> Logins:
    """Return the logins of this application."""
    found: Logins = current_app.extensions["rq_mon_logins"]
    return found


def csrf_token() -> str | None:
    """Return the token of this request's login; None if not logged in."""
    return logins().csrf_token(str(session.get("login", "")))


def who() -> str:
    """Return the user of this request and their address, for the log."""
    return f"{USER} from {request.remote_addr}"


@blueprint.get("/login")
def login_page() -> str:
    """Ask for the password."""
    return render_template("login.html", next=local_path(request.args.get("next", "/")))


@blueprint.post("/login")
def log_in() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Compare the password."""
    address = request.remote_addr or ""
    next_path = local_path(request.form.get("next", "/"))
    if wait := logins().failed.seconds_to_wait(address):
        problem = f"Too many wrong passwords. Try again in {wait} seconds."
        page = render_template("login.html", next=next_path, problem=problem)
        return page, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(wait)}
    if not logins().accepts(request.form.get("user", ""), request.form.get("password", "")):
        logins().failed.add(address)
        logger.warning("a login from %s failed", address)
        page = render_template("login.html", next=next_path, problem="User or password is wrong.")
        return page, HTTPStatus.UNAUTHORIZED
    session.clear()
    session["login"] = logins().begin()
    session.permanent = True
    logger.info("%s logged in from %s", USER, address)
    return redirect(next_path, HTTPStatus.SEE_OTHER)


@blueprint.post("/logout")
def log_out() -> Response:
    """End the login."""
    logins().end(str(session.get("login", "")))
    session.clear()
    return redirect("/login", HTTPStatus.SEE_OTHER)
