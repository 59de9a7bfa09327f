"""Which requests go to Prometheus, and what happens to unusable answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from grafana.viewer import proxy
from grafana.viewer.proxy import Proxy, RefusedError, check
from proofs.harness.waiting import wait_until

YEAR = 365 * 86_400


@contextmanager
def serving(
    body: bytes, content_type: str = "application/json", gate: threading.Event | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve one answer to every POST; yield the URL and the received bodies."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if gate is not None:
                gate.wait(20)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            if gate is not None:
                gate.set()
            server.shutdown()
            thread.join()


def test_a_query_is_passed_on_with_a_timeout() -> None:
    with serving(b'{"status":"success"}') as (url, came):
        answer = Proxy(url).ask("query", [("query", "up + 1"), ("time", "5")])

    with answer.body as body:
        assert body.read() == b'{"status":"success"}'
    assert parse_qs(came[0]) == {"query": ["up + 1"], "time": ["5"], "timeout": ["15s"]}


@pytest.mark.parametrize(
    "path",
    [
        "admin/tsdb/delete_series",
        "status/config",
        "targets",
        "",
        "label/x/values/..",
        "label/../values",
        "query/../targets",
        "write",
        "format_query",
    ],
)
def test_no_other_path_is_passed_on(path: str) -> None:
    with pytest.raises(RefusedError, match="does not pass on"):
        check(path, [])


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("query", {"query": "up", "timeout": "1h"}, "'timeout': expected one of"),
        ("rules", {"rule_name[]": "x"}, "expected one of type"),
        ("alerts", {"x": "1"}, "expected one of none"),
        ("query", {"query": "x" * 100_001}, "expected at most 100000"),
        (
            "query_range",
            {"query": "up", "start": "0", "end": str(2 * YEAR), "step": "60"},
            "730 days: expected",
        ),
        ("query_range", {"query": "up", "start": "yesterday", "end": "1"}, "start: expected a number"),
        ("query_range", {"query": "up", "start": "nan", "end": "1"}, "start: expected a number"),
        ("label/job/values", {"start": "-inf", "end": "inf"}, "expected a number"),
    ],
)
def test_a_parameter_out_of_bounds_is_refused_by_name(
    path: str, parameters: dict[str, str], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        check(path, list(parameters.items()))


@pytest.mark.parametrize("name", ["query", "start", "end", "step"])
def test_a_repeated_parameter_is_refused(name: str) -> None:
    """Prometheus takes the first: a range of fifty years would look like a minute."""
    given = [("query", "up"), ("start", "0"), ("end", "60"), ("step", "15")]
    with pytest.raises(RefusedError, match=f"'{name}': expected once, got 2 times"):
        check("query_range", [(name, str(1_800_000_000)), *given])


def test_several_selectors_are_passed_on() -> None:
    matches = [("match[]", "up"), ("match[]", "rq_jobs")]
    assert check("series", matches) == matches


@pytest.mark.parametrize(
    "path", ["labels", "series", "rules", "alerts", "label/queue/values", "query_exemplars"]
)
def test_the_paths_that_dashboards_read_are_passed_on(path: str) -> None:
    assert check(path, []) == []


def test_reports_a_server_that_is_not_prometheus() -> None:
    with serving(b"<html>", "text/html") as (url, _), pytest.raises(RefusedError, match="is not Prometheus"):
        Proxy(url).ask("query", [("query", "up")])


def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "LARGEST_ANSWER", 1000)
    with serving(b" " * 1001) as (url, came):
        one = Proxy(url)
        for _ in range(2):
            with pytest.raises(RefusedError, match="choose a shorter range"):
                one.ask("query", [("query", "up")])
    assert len(came) == 2


def test_a_slow_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "QUERY_TIMEOUT", -0.8)  # the viewer waits one second longer
    gate = threading.Event()
    with serving(b"{}", gate=gate) as (url, _), pytest.raises(RefusedError, match="took longer") as refused:
        Proxy(url).ask("query", [("query", "up")])
    assert refused.value.kind == "timeout"


def test_queries_beyond_the_limit_of_waiting_ones_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxy, "PARALLEL_QUERIES", 1)
    monkeypatch.setattr(proxy, "MOST_WAITING", 1)
    gate = threading.Event()
    with serving(b"{}", gate=gate) as (url, came), ThreadPoolExecutor(2) as pool:
        one = Proxy(url)
        waiting = [pool.submit(one.ask, "query", [("query", "up")]) for _ in range(2)]
        wait_until(lambda: came and one._admitted._value == 0, "one that is asked, and one that waits")

        with pytest.raises(RefusedError, match="2 queries wait already"):
            one.ask("query", [("query", "up")])

        gate.set()
        for each in waiting:
            each.result().body.close()
    assert len(came) == 2
