"""Path traversal, requests within requests, endless bodies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from grafana.__main__ import GENERATED
from grafana.viewer.proxy import LONGEST_QUERY
from proofs.harness.ports import free_port
from proofs.harness.servers import Server
from tests.harness.raw_http import ENDLESS, TRAVERSALS, TWO_ENDS, get, smuggled, statuses
from tests.harness.viewer import running_viewer

QUERY = "/api/prometheus/query"


@pytest.fixture(scope="module")
def alone(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A viewer without a Prometheus."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running_viewer(project_root, tmp_path_factory.mktemp("viewer"), nowhere, GENERATED) as server:
        yield server


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_reads_a_file_or_bypasses_the_proxys_paths(alone: Server, path: str) -> None:
    (status,) = statuses(alone.port, get(path))
    assert status in (308, 400, 404), "to the path without //, or nowhere"


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("headers", TWO_ENDS.values(), ids=TWO_ENDS)
def test_no_request_hides_in_another(alone: Server, headers: bytes, version: str) -> None:
    """It is refused, and the connection ends."""
    assert statuses(alone.port, smuggled(headers, version)) == [400]


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_body_is_refused_at_once(alone: Server, body: bytes) -> None:
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    found = statuses(
        alone.port, b"POST " + QUERY.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + form + body
    )
    assert found in ([413], [400], []), "the connection ends, at the latest while it sends"
    assert alone.answers("/health")


def test_a_query_of_the_maximum_length_is_accepted(alone: Server) -> None:
    """Each of its characters takes three bytes."""
    answer = requests.post(f"{alone.url}{QUERY}", data={"query": "=" * (LONGEST_QUERY - 10)}, timeout=60)
    assert answer.status_code == 502, "Prometheus is not there"
