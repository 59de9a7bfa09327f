"""The proxy to Prometheus: only what dashboards read, with limits on range, size and time."""

from __future__ import annotations

import math
import re
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO
from urllib.parse import urlencode, urlsplit, urlunsplit

import urllib3

CONNECT_TIMEOUT = 2.0
QUERY_TIMEOUT = 15.0
"""Timeout of a query in seconds."""
PARALLEL_QUERIES = 12
"""Below Prometheus' own limit of 20 (--query.max-concurrency), because others use it, too."""
MOST_WAITING = 16
"""Requests that wait for those. More are refused, so that threads remain for the page itself."""
LONGEST_QUERY = 100_000
"""Characters of all parameters. Names of 10 kB must fit."""
LONGEST_RANGE = 400 * 86_400
"""Seconds. Graphs of more than a year go beyond what this stack keeps."""
LARGEST_ANSWER = 20_000_000
"""Bytes."""
IN_MEMORY = 256 * 1024
"""Bytes of an answer to keep in memory; a larger one goes to a temporary file."""

PARAMETERS = {
    "query": {"query", "time"},
    "query_range": {"query", "start", "end", "step"},
    "query_exemplars": {"query", "start", "end"},
    "labels": {"match[]", "start", "end"},
    "series": {"match[]", "start", "end"},
    "rules": {"type"},
    "alerts": set[str](),
}
"""Path below /api/v1, and its parameters."""
LABEL_VALUES = re.compile(r"label/[a-zA-Z_][a-zA-Z0-9_]*/values")
BY_POST = ("query", "query_range", "query_exemplars", "labels", "series")
"""What Prometheus accepts as POST, which keeps long queries out of the URL."""

Parameters = Sequence[tuple[str, str]]


class RefusedError(Exception):
    """The request gets no answer from Prometheus.

    Attributes:
        status: of the HTTP answer.
        kind: a word for programs: bad_data, busy, too_large, timeout or unreachable.
    """

    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON from Prometheus, unchanged. The caller closes the body."""

    status: int
    body: IO[bytes]


class Proxy:
    """A Prometheus server. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        place = f"{host}:{parts.port}" if parts.port else host
        self.address = urlunsplit((parts.scheme, place, parts.path, "", ""))
        """The URL without secrets."""
        credentials = f"{parts.username}:{parts.password or ''}" if parts.username else None
        self._headers = urllib3.make_headers(basic_auth=credentials)
        self._pool = urllib3.PoolManager(
            maxsize=PARALLEL_QUERIES,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=QUERY_TIMEOUT + 1),
        )
        self._admitted = threading.BoundedSemaphore(PARALLEL_QUERIES + MOST_WAITING)
        self._running = threading.BoundedSemaphore(PARALLEL_QUERIES)

    def ask(self, path: str, parameters: Parameters) -> Answer:
        """Pass a request on.

        Raises:
            RefusedError: it is not allowed, it exceeds a limit, or Prometheus gives no usable answer.
        """
        checked = check(path, parameters)
        if not self._admitted.acquire(blocking=False):
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "busy",
                f"{PARALLEL_QUERIES + MOST_WAITING} queries wait already",
            )
        try:
            with self._running:
                return self._passed_on(path, checked)
        finally:
            self._admitted.release()

    def _passed_on(self, path: str, parameters: Parameters) -> Answer:
        query = urlencode(parameters)
        by_post = path in BY_POST
        try:
            response = self._pool.request(
                "POST" if by_post else "GET",
                f"{self.address}/api/v1/{path}" + ("" if by_post else f"?{query}"),
                body=query if by_post else None,
                headers={**self._headers, "Content-Type": "application/x-www-form-urlencoded"},
                redirect=False,
                preload_content=False,
            )
            try:
                return _read(response)
            except BaseException:
                response.close()  # the next answer must not begin with the rest of this one
                raise
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            raise RefusedError(
                HTTPStatus.GATEWAY_TIMEOUT, "timeout", f"The query took longer than {QUERY_TIMEOUT:g} s"
            ) from error
        except urllib3.exceptions.HTTPError as error:
            message = f"Prometheus at {self.address} does not answer: {_reason(error)}"
            raise RefusedError(HTTPStatus.BAD_GATEWAY, "unreachable", message) from error


def check(path: str, parameters: Parameters) -> Parameters:
    """Return the parameters to pass on: those given, and the timeout of the query.

    Raises:
        RefusedError: dashboards do not read this path, or a parameter is unknown or exceeds a limit.
    """
    if path not in PARAMETERS and not LABEL_VALUES.fullmatch(path):
        raise RefusedError(HTTPStatus.NOT_FOUND, "bad_data", f"The viewer does not pass on {path[:100]!r}")
    known = PARAMETERS.get(path, {"match[]", "start", "end"})
    unknown = sorted({name for name, _ in parameters} - known)
    if unknown:
        raise _bad(f"parameter {unknown[0][:100]!r}: expected one of {', '.join(sorted(known)) or 'none'}")
    names = [name for name, _ in parameters]
    repeated = [name for name in known - {"match[]"} if names.count(name) > 1]
    if repeated:  # the value that is checked has to be the one that Prometheus takes
        raise _bad(f"parameter {repeated[0]!r}: expected once, got {names.count(repeated[0])} times")
    length = sum(len(name) + len(value) for name, value in parameters)
    if length > LONGEST_QUERY:
        raise _bad(f"the parameters have {length} characters: expected at most {LONGEST_QUERY}")
    _check_range(dict(parameters))
    if path.startswith("query"):
        return [*parameters, ("timeout", f"{QUERY_TIMEOUT:g}s")] if path != "query_exemplars" else parameters
    return parameters


def _check_range(parameters: dict[str, str]) -> None:
    numbers = {
        name: _number(name, parameters[name])
        for name in ("time", "start", "end", "step")
        if name in parameters
    }
    if "start" in numbers and "end" in numbers and numbers["end"] - numbers["start"] > LONGEST_RANGE:
        days = (numbers["end"] - numbers["start"]) / 86_400
        raise _bad(f"the range has {days:.0f} days: expected at most {LONGEST_RANGE // 86_400}")


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _bad(f"{name}: expected a number of seconds, got {text[:100]!r}")
    return number


def _bad(message: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, "bad_data", message)


def _read(response: urllib3.BaseHTTPResponse) -> Answer:
    if not (response.headers.get("Content-Type") or "").startswith("application/json"):
        message = f"What answers at Prometheus' address is not Prometheus (HTTP status {response.status})"
        raise RefusedError(HTTPStatus.BAD_GATEWAY, "unreachable", message)
    body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    try:
        _copy(response.stream(64 * 1024), body)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return Answer(response.status, body)


def _copy(chunks: Iterable[bytes], body: IO[bytes]) -> None:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST_ANSWER:
            most = LARGEST_ANSWER // 1_000_000
            message = f"The answer is larger than {most} MB: choose a shorter range or fewer series"
            raise RefusedError(HTTPStatus.BAD_GATEWAY, "too_large", message)
        body.write(chunk)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is unknown"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "connection refused"
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return f"no connection within {CONNECT_TIMEOUT:g} s"
    return "the connection broke"
