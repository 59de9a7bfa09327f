"""Path traversal, requests within requests, endless bodies."""

from __future__ import annotations

import pytest

from proofs.harness.servers import Server
from tests.harness.raw_http import ENDLESS, TRAVERSALS, TWO_ENDS, get, smuggled, statuses


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_reads_a_file(web: Server, path: str) -> None:
    (status,) = statuses(web.port, get(path))
    assert status in (303, 400, 404), "to the login, or nowhere"


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("headers", TWO_ENDS.values(), ids=TWO_ENDS)
def test_no_request_hides_in_another(web: Server, headers: bytes, version: str) -> None:
    """It is refused, and the connection ends."""
    assert statuses(web.port, smuggled(headers, version)) == [400]


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_body_is_refused_at_once(web: Server, body: bytes) -> None:
    found = statuses(web.port, b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + body)
    assert found in ([413], [400], []), "the connection ends, at the latest while it sends"
    assert web.answers("/health")
