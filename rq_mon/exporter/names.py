"""Refuses requests for another host name, so that no page can read the metrics by DNS rebinding."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rq_mon.serving.host_names import is_own_name, is_private_name

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

MOST_NAMES_LOGGED = 10


class OnlyOwnNames:
    """Passes on requests whose Host header is an IP address, a private name, one of `names`, or missing.

    A browser always sends the header.
    """

    def __init__(self, app: WSGIApplication, names: frozenset[str]) -> None:
        self._app = app
        self._names = names
        self._logged: set[str] = set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        host = environ.get("HTTP_HOST", "")
        if not host or is_private_name(host) or is_own_name(host, self._names):
            return self._app(environ, start_response)
        self._log(host[:200])
        body = b"The exporter does not answer to this host name. RQ_EXPORTER_NAMES can name it.\n"
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("421 Misdirected Request", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _log(self, host: str) -> None:
        if host in self._logged or len(self._logged) >= MOST_NAMES_LOGGED:
            return
        self._logged.add(host)
        logger.warning(
            "refused a request for the host %r: if Prometheus uses it, set RQ_EXPORTER_NAMES", host
        )
