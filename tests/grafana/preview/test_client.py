"""The client tells a dead Prometheus from a slow one, and waits for neither longer than it must."""

from __future__ import annotations

import socket
import time

import pytest

from grafana.preview.prometheus import PrometheusClient, PrometheusError, PrometheusUnreachableError
from proofs.harness.ports import free_port
from tests.grafana.preview.prometheus import SyntheticPrometheus, serving


def test_nobody_there_is_told_at_once() -> None:
    client = PrometheusClient(f"http://127.0.0.1:{free_port()}")
    assert client.problem() == "connection refused or broken"
    with pytest.raises(PrometheusUnreachableError, match="connection refused"):
        client.submit("query", {"query": "1"}).result(timeout=1)


def test_frozen_server_makes_only_the_first_caller_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        client = PrometheusClient(f"http://127.0.0.1:{frozen.getsockname()[1]}")
        assert client.problem() == "no answer in time"
        begin = time.monotonic()
        answers = [client.submit("query", {"query": "1"}) for _ in range(30)]
        for answer in answers:
            with pytest.raises(PrometheusUnreachableError, match="no answer in time"):
                answer.result(timeout=5)
        assert time.monotonic() - begin < 1


def test_another_server_in_its_place_is_told() -> None:
    with serving("# EOF\n") as port:
        problem = PrometheusClient(f"http://127.0.0.1:{port}").problem()
    assert problem == "this is no answer of Prometheus (HTTP status 200)"


def test_password_is_not_shown() -> None:
    assert PrometheusClient("http://me:secret@host:9090/prom").address == "http://host:9090/prom"


@pytest.mark.slow
@pytest.mark.needs("prometheus", "promtool")
def test_refused_query_has_prometheus_own_words(prometheus: SyntheticPrometheus) -> None:
    answer = PrometheusClient(prometheus.url).submit("query", {"query": "sum("})
    with pytest.raises(PrometheusError, match=r"bad_data: .*parse error"):
        answer.result(timeout=10)
