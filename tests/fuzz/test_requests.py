"""Whatever is sent to exporter, viewer and job pages: an HTTP answer or none, and all three live on."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from grafana.__main__ import GENERATED
from proofs.harness.exporter_process import running_exporter
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from tests.fuzz.tried import throw
from tests.harness.viewer import running_viewer
from tests.harness.web import running_web

pytestmark = pytest.mark.slow

SECRETS = (b"root:x:0:0", b"[build-system]", b"Traceback (most recent call last)")
"""A system file, a project file, and program internals: no answer may contain them."""

PIECES = (
    "..|%2e%2e|%2f|/|//|metrics|healthz|d|rq-overview|api|assets|etc|passwd|pyproject.toml|?|&|=|#|%00|%|%zz|\\|;"
    "|api/prometheus/query?query=1|é|login?next=|//[|job?id=|jobs?queue=|failures?"
)
HEADERS = (
    "Accept|Accept-Encoding|Content-Length|Transfer-Encoding|Content-Type|Range|Expect|Connection|Upgrade|Cookie"
    "|X-Forwarded-For|Authorization|If-None-Match|Origin|Sec-Fetch-Site|"
)
VALUES = (
    "|-1|99999999999999999999|chunked|gzip;q=1e999|application/openmetrics-text;q=x|bytes=0-1|\x00|close"
    "|100-continue|application/json|Basic !!!!|http://[|null|//|cross-site"
)


def one_of(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split("|"))


paths = st.lists(one_of(PIECES), max_size=8).map("".join) | st.text(
    st.characters(codec="latin-1"), max_size=60
)
methods = one_of("GET|GET|GET|HEAD|POST|PUT|TRACE||get|G E T") | st.just("X" * 300)
versions = one_of("HTTP/1.1|HTTP/1.1|HTTP/1.0|HTTP/9.9||HTTP/1.1 HTTP/1.1")
values = (
    one_of(VALUES)
    | st.just("a" * 5000)
    | st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30)
)
headers = st.lists(st.tuples(one_of(HEADERS), values), max_size=4)
hosts = one_of("Host: localhost\r\n|Host: 127.0.0.1:80\r\n|Host: [\r\n|Host: [::1]\r\n|Host: a@b, c:d\r\n|")
bodies = st.binary(max_size=80) | st.sampled_from([b"{}", b"[]", b'{"output": 1}', b"null", b"0\r\n\r\n"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request, whole, broken, or not HTTP at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(min_size=1, max_size=300))
    head = f"{draw(methods)} /{draw(paths)} {draw(versions)}\r\n{draw(hosts)}"
    head += "".join(f"{name}: {value}\r\n" for name, value in draw(headers))
    return head.encode("latin-1", "replace") + b"\r\n" + draw(bodies)


@pytest.fixture(scope="module")
def exporter(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_exporter(redis_server.url, tmp_path_factory.mktemp("exporter")) as server:
        yield server


@pytest.fixture(scope="module")
def viewer(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A viewer whose Prometheus is down, so no request gets past the viewer."""
    nothing = f"http://127.0.0.1:{free_port()}"
    with running_viewer(project_root, tmp_path_factory.mktemp("viewer"), nothing, GENERATED) as server:
        yield server


@pytest.fixture(scope="module")
def job_pages(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Pages that can be read without a login, so that requests get far."""
    open_to_all = {"RQ_MON_WEB_READ_WITHOUT_LOGIN": "yes"}
    with running_web(tmp_path_factory.mktemp("web"), redis_server.url, open_to_all) as server:
        yield server


def answer(server: Server, request: bytes) -> bytes:
    """All bytes until the server closes the connection, after we closed our side."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:  # the server may close first
            return b""


def check(server: Server, request: bytes, health: str) -> None:
    answered = answer(server, request)

    assert not re.match(rb"HTTP/1\.[01] 500", answered), answered[:500]
    assert not [secret for secret in SECRETS if secret in answered]
    assert server.answers(health)


@pytest.mark.needs("redis-server")
@throw("requests to the exporter", 300, request_=requests())
def test_the_exporter_survives_any_request(request_: bytes, exporter: Server) -> None:
    check(exporter, request_, "/healthz")


@throw("requests to the viewer", 300, request_=requests())
def test_the_viewer_survives_any_request(request_: bytes, viewer: Server) -> None:
    check(viewer, request_, "/health")


@pytest.mark.needs("redis-server")
@throw("requests to the job pages", 300, request_=requests())
def test_the_job_pages_survive_any_request(request_: bytes, job_pages: Server) -> None:
    check(job_pages, request_, "/health")
