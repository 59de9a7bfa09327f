"""What the exporter answers on which path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, make_wsgi_app
from redis.exceptions import RedisError

from scheduler.exporter.snapshot import RedisReader

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status, headers, body."""


def make_app(registry: CollectorRegistry, reader: RedisReader) -> WSGIApplication:
    """Return the WSGI application: /metrics, /healthz (the process lives), /readyz (Redis answers)."""
    metrics = make_wsgi_app(registry)
    paths: dict[str, Callable[[WSGIEnvironment], Answer]] = {
        "/metrics": lambda environ: _call(metrics, environ),
        "/healthz": lambda _: _text("200 OK", "ok"),
        "/readyz": lambda _: _readiness(reader),
    }

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = paths.get(environ["PATH_INFO"])
        if answer is None:
            status, headers, body = _text("404 Not Found", f"no such path; there are {', '.join(paths)}")
        elif environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            status, headers, body = _text("405 Method Not Allowed", "GET and HEAD are allowed")
            headers.append(("Allow", "GET, HEAD"))
        else:
            status, headers, body = answer(environ)
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    return app


def _text(status: str, text: str) -> Answer:
    return status, [("Content-Type", "text/plain; charset=utf-8")], f"{text}\n".encode()


def _readiness(reader: RedisReader) -> Answer:
    try:
        reader.ping()
    except (RedisError, TimeoutError):
        return _text("503 Service Unavailable", "Redis does not answer")
    return _text("200 OK", "ok")


def _call(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Return the answer of an application that knows GET only."""
    started: list[Any] = []

    def start_response(*arguments: Any) -> Callable[[bytes], object]:
        started.extend(arguments)
        return lambda _: None

    body = b"".join(application({**environ, "REQUEST_METHOD": "GET"}, start_response))
    return started[0], started[1], body
