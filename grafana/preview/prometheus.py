"""The client of Prometheus' HTTP API: parallel with a limit, quick to tell that the server is dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT = 2.0
QUERY_TIMEOUT = 15.0
"""Seconds that one query may take."""
PROBE_TIMEOUT = 3.0
PROBE_VALID_FOR = 2.0
"""Seconds for which the answer to "is it there?" is believed: panels do not each wait for a dead server."""
PARALLEL_QUERIES = 12
"""Below Prometheus' own limit of 20 (--query.max-concurrency), which others use too."""


class PrometheusError(Exception):
    """Prometheus refused a query; the message is its own."""


class PrometheusUnreachableError(Exception):
    """Prometheus does not answer at all."""


class PrometheusClient:
    """One Prometheus server. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy for the outside world does not lead to Prometheus
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=PARALLEL_QUERIES + 4)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._pool = ThreadPoolExecutor(PARALLEL_QUERIES, thread_name_prefix="prometheus")
        self._probe_lock = threading.Lock()
        self._probed_at = float("-inf")
        self._probe_error: str | None = None

    @property
    def address(self) -> str:
        """The URL without what is secret in it."""
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))

    def problem(self) -> str | None:
        """Return why Prometheus does not answer, None when it does."""
        with self._probe_lock:
            if time.monotonic() - self._probed_at > PROBE_VALID_FOR:
                self._probe_error = self._probe()
                self._probed_at = time.monotonic()
            return self._probe_error

    def _probe(self) -> str | None:
        # Not /-/ready: a proxy in front of Prometheus may serve the API alone.
        try:
            response = self._session.get(
                f"{self._url}/api/v1/query", params={"query": "1"}, timeout=(CONNECT_TIMEOUT, PROBE_TIMEOUT)
            )
            _data(response)
        except requests.RequestException as error:
            return _reason(error)
        except PrometheusError as error:
            return str(error)
        return None

    def submit(self, path: str, parameters: Mapping[str, Any]) -> Future[Any]:
        """Ask in the background; the result is the answer's `data`.

        Raises, out of the future:
            PrometheusUnreachableError: there is no answer at all.
            PrometheusError: the query was refused, or took too long.
        """
        return self._pool.submit(self._ask, path, parameters)

    def _ask(self, path: str, parameters: Mapping[str, Any]) -> Any:
        if problem := self.problem():
            raise PrometheusUnreachableError(problem)
        # Prometheus refuses POST for label values; for the others it keeps long queries out of the URL.
        method = "POST" if path in ("query", "query_range", "query_exemplars", "series") else "GET"
        data = {**parameters, "timeout": f"{QUERY_TIMEOUT:g}s"} if path.startswith("query") else parameters
        try:
            response = self._session.request(
                method,
                f"{self._url}/api/v1/{path}",
                timeout=(CONNECT_TIMEOUT, QUERY_TIMEOUT + 1),
                **({"data": data} if method == "POST" else {"params": data}),  # type: ignore[arg-type]
            )
        except requests.Timeout as error:
            raise PrometheusError(f"the query took longer than {QUERY_TIMEOUT:g} s") from error
        except requests.RequestException as error:
            raise PrometheusUnreachableError(_reason(error)) from error
        return _data(response)


def _data(response: requests.Response) -> Any:
    try:
        body = response.json()
        status = body["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise PrometheusError(
            f"this is no answer of Prometheus (HTTP status {response.status_code})"
        ) from error
    if status != "success":
        raise PrometheusError(f"{body.get('errorType', 'error')}: {body.get('error', 'no reason given')}")
    return body["data"]


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "connection refused or broken"
    return type(error).__name__
