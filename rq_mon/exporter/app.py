"""The exporter's HTTP paths and answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from redis.exceptions import RedisError

from rq_mon.exporter.blocks import gzipped, plain
from rq_mon.exporter.exposition import openmetrics_format, text_format
from rq_mon.exporter.snapshot import RedisReader

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

REFUSES = re.compile(r"q\s*=\s*0(\.0*)?")

Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status, headers, body."""


def make_app(registry: CollectorRegistry, reader: RedisReader) -> WSGIApplication:
    """Return the WSGI application: /metrics, /healthz (the process lives), /readyz (Redis answers)."""
    paths: dict[str, Callable[[WSGIEnvironment], Answer]] = {
        "/metrics": lambda environ: _metrics(registry, environ),
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


def _metrics(registry: CollectorRegistry, environ: WSGIEnvironment) -> Answer:
    """Answer in OpenMetrics if the client accepts it; `name[]` in the query selects series."""
    names = parse_qs(environ.get("QUERY_STRING", "")).get("name[]")
    families = (registry.restricted_registry(names) if names else registry).collect()
    if _accepts(environ.get("HTTP_ACCEPT", ""), "application/openmetrics-text"):
        content_type, pieces = CONTENT_TYPE_OPENMETRICS, openmetrics_format(families)
    else:
        content_type, pieces = CONTENT_TYPE_PLAIN_0_0_4, text_format(families)
    headers = [("Content-Type", content_type), ("Vary", "Accept, Accept-Encoding")]
    if _accepts(environ.get("HTTP_ACCEPT_ENCODING", ""), "gzip"):
        headers.append(("Content-Encoding", "gzip"))
        return "200 OK", headers, b"".join(gzipped(pieces))
    return "200 OK", headers, b"".join(plain(pieces))


def _accepts(header: str, name: str) -> bool:
    """Return whether an Accept header has this type with a quality above 0 (RFC 9110, 12.4.2)."""
    for entry in header.lower().split(","):
        accepted, *parameters = (part.strip() for part in entry.split(";"))
        if accepted == name:
            return not any(REFUSES.fullmatch(parameter) for parameter in parameters)
    return False


def _text(status: str, text: str) -> Answer:
    return status, [("Content-Type", "text/plain; charset=utf-8")], f"{text}\n".encode()


def _readiness(reader: RedisReader) -> Answer:
    try:
        reader.ping()
    except (RedisError, TimeoutError):
        return _text("503 Service Unavailable", "Redis does not answer")
    return _text("200 OK", "ok")
