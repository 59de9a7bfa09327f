"""The HTTP server: its answers on each path, to well-behaved clients, despite others."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.exporter.server import MAX_CONNECTIONS, REQUEST_SECONDS

pytestmark = pytest.mark.slow

OPENMETRICS_OF_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture(scope="module")
def exporter(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One exporter for all tests here; each must leave it unchanged."""
    with running_exporter(redis_server.url, tmp_path_factory.mktemp("exporter")) as exporter:
        yield exporter


@pytest.fixture(scope="module")
def own_names(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """An exporter that has a name."""
    directory = tmp_path_factory.mktemp("named")
    with running_exporter(redis_server.url, directory, RQ_EXPORTER_NAMES="Rq.example.com") as exporter:
        yield exporter


@contextmanager
def connected(exporter: Exporter) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=10) as connection:
        yield connection


def _answer_to(exporter: Exporter, request: bytes) -> bytes:
    with connected(exporter) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_known_paths_answer(exporter: Exporter, path: str) -> None:
    assert exporter.get(path).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/metrics/", "/favicon.ico", "/Metrics", "/metrics/../etc/passwd", "//"]
)
def test_other_paths_do_not_exist(exporter: Exporter, path: str) -> None:
    assert exporter.get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_only_get_and_head_are_allowed(exporter: Exporter, method: str) -> None:
    response = exporter.get(method=method)

    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_head_gets_the_headers_of_get_and_no_body(exporter: Exporter, path: str) -> None:
    head, get = exporter.get(path, method="HEAD"), exporter.get(path)

    assert head.status == 200
    assert head.body == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0


def test_sends_classic_text_unless_openmetrics_is_requested(exporter: Exporter) -> None:
    assert exporter.get().headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert exporter.get(Accept="*/*").headers["Content-Type"].startswith("text/plain")

    openmetrics = exporter.get(Accept=OPENMETRICS_OF_PROMETHEUS)

    assert openmetrics.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert openmetrics.body.endswith(b"# EOF\n")


def test_an_answer_is_compressed_if_the_client_accepts_it(exporter: Exporter) -> None:
    response = exporter.get(Accept_Encoding="gzip")

    assert response.headers["Content-Encoding"] == "gzip"
    assert b"rq_redis_up 1.0\n" in gzip.decompress(response.body)


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip; q=0.0", "br, gzip ;Q=0.000", "identity", "x-gzip2"])
def test_an_answer_is_not_compressed_if_the_client_refuses_it(exporter: Exporter, accepted: str) -> None:
    assert "Content-Encoding" not in exporter.get(Accept_Encoding=accepted).headers


@pytest.mark.parametrize("accepted", ["br, GZIP;q=0.1", "gzip;q=1.0, identity;q=0"])
def test_a_low_quality_value_still_accepts_compression(exporter: Exporter, accepted: str) -> None:
    assert exporter.get(Accept_Encoding=accepted).headers["Content-Encoding"] == "gzip"


def test_a_format_that_is_refused_is_not_sent(exporter: Exporter) -> None:
    plain = exporter.get(Accept="application/openmetrics-text;version=1.0.0;q=0,text/plain")
    assert plain.headers["Content-Type"].startswith("text/plain")


def test_a_query_can_limit_the_answer_to_some_metrics(exporter: Exporter) -> None:
    assert exporter.get("/metrics?name[]=rq_redis_up&name[]=rq_cron_schedulers").names() == {
        "rq_redis_up",
        "rq_cron_schedulers",
    }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/9.9\r\n\r\n", b"505"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
    ],
    ids=["nonsense", "version", "long line", "long header", "many headers"],
)
def test_bad_request_is_refused(exporter: Exporter, request_: bytes, status: bytes) -> None:
    assert status in _answer_to(exporter, request_)[:200]
    assert exporter.get("/healthz").status == 200


def test_a_request_that_arrives_too_slowly_is_cut_off(exporter: Exporter) -> None:
    with connected(exporter) as connection:
        connection.settimeout(REQUEST_SECONDS / 10)

        def is_cut_off() -> bool:
            try:
                connection.sendall(b"G")
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        wait_until(is_cut_off, "the exporter to hang up", every=0)


def test_idle_connections_do_not_block_scrapes(exporter: Exporter) -> None:
    process = psutil.Process(exporter.process.pid)

    def is_served_before_they_are_cut_off() -> bool:
        """This shows that it did not wait for them. A busy machine may need another try."""
        with ExitStack() as stack:
            for _ in range(3 * MAX_CONNECTIONS):
                stack.enter_context(connected(exporter))
            response = exporter.get()
            assert response.status == 200
            wait_until(lambda: process.num_threads() <= MAX_CONNECTIONS + 2, "threads to end")
            return response.seconds < REQUEST_SECONDS / 2

    wait_until(is_served_before_they_are_cut_off, "a scrape that waits for no one", every=1)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:{port}", "[::1]:{port}", "10.1.2.3", "localhost", "LOCALHOST.:{port}"),
        *("rq-exporter:{port}", "rq-mon_rq-exporter", "host.docker.internal:{port}"),
        *("rq-exporter.monitoring.svc:{port}", "rq-exporter.monitoring.svc.cluster.local."),
        *("rq.example.com", "RQ.example.com:80", socket.gethostname()),
    ],
)
def test_host_names_that_no_foreign_page_can_have_are_answered(own_names: Exporter, host: str) -> None:
    assert own_names.get(Host=host.format(port=own_names.port)).status == 200


def test_a_client_without_a_host_header_is_answered(own_names: Exporter) -> None:
    assert b" 200 " in _answer_to(own_names, b"GET /metrics HTTP/1.0\r\n\r\n").split(b"\r\n")[0]


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/nowhere"])
@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", "evil.test:{port}", "127.0.0.1.evil.test", "localhost.evil.test", "svc.evil.test"),
        *("evil.test.", "127.0.0.1@evil.test", "127.0.0.1, evil.test", "evil.test/127.0.0.1", "a b", "["),
        *("cluster.local.evil.test", "sub.rq.example.com", "rq.example.com.evil.test", "notsvc.test"),
    ],
)
def test_a_foreign_page_whose_name_resolves_here_reads_nothing(
    own_names: Exporter, host: str, path: str
) -> None:
    """DNS rebinding: to the browser that page and the exporter are one origin."""
    answer = own_names.get(path, Host=host.format(port=own_names.port))

    assert answer.status == 421
    assert b"rq_" not in answer.body
    assert b"RQ_EXPORTER_NAMES" in answer.body


def test_a_refused_host_name_is_logged_once_on_one_line(redis_server: RedisServer, tmp_path: Path) -> None:
    """Prometheus may use it since an earlier version. And a page can ask under any number of names."""
    with running_exporter(redis_server.url, tmp_path) as exporter:
        for host in (
            "rq.example.com",
            "rq.example.com",
            "evil.test\x1b[2J",
            *(f"{n}.test" for n in range(99)),
        ):
            assert exporter.get(Host=host).status == 421
        lines = [line for line in exporter.log.splitlines() if "RQ_EXPORTER_NAMES" in line]

    assert sum("'rq.example.com'" in line for line in lines) == 1
    assert 2 < len(lines) < 20
    assert "\x1b" not in "".join(lines)


def test_sigint_ends_the_exporter(redis_server: RedisServer, tmp_path: Path) -> None:
    with running_exporter(redis_server.url, tmp_path) as exporter:
        assert exporter.stop(signal.SIGINT) == 0


def test_a_client_that_disconnects_causes_no_error(exporter: Exporter) -> None:
    with connected(exporter) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")

    assert exporter.get("/healthz").status == 200
    assert "Traceback" not in exporter.log


def test_requests_are_not_logged(exporter: Exporter) -> None:
    exporter.get("/some-path")

    assert "some-path" not in exporter.log


def test_a_port_in_use_is_an_error_that_names_it(exporter: Exporter, project_root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "rq_mon.exporter"],
        cwd=project_root,
        env={**os.environ, "RQ_EXPORTER_PORT": str(exporter.port)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 1
    assert f"127.0.0.1:{exporter.port}" in ended.stderr
    assert "RQ_EXPORTER_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
