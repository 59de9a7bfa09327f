"""Jobs are enqueued over one connection, with any transport, because opening one costs most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofs.harness.redis_server import RedisServer
from rq_mon.connection.client import connect
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from tests.harness import jobs
from tests.harness.sentinels import SentinelGroup
from tests.harness.tls_redis import Certificates, TlsRedisServer

pytestmark = pytest.mark.needs("redis-server")


def enqueue_over_one_connection(url: str) -> None:
    connection: Any
    with connect(url) as connection:
        before = connection.info("stats")["total_connections_received"]
        for _ in range(7):
            job_scheduler(jobs.sleep)

        assert connection.info("stats")["total_connections_received"] - before == 1
        assert connection.llen(f"rq:queue:{SHORT_RUNNING_QUEUE}") == 7


def test_jobs_share_a_connection_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = Certificates(tmp_path / "certificates", "127.0.0.1")
    with TlsRedisServer(tmp_path, certificates) as server:
        monkeypatch.setenv("RQ_REDIS_URL", server.url)
        monkeypatch.setenv("RQ_REDIS_CA_FILE", str(certificates.ca))
        enqueue_over_one_connection(f"{server.url}?ssl_ca_certs={certificates.ca}")


def test_jobs_share_a_connection_over_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = tmp_path / "redis.sock"
    with RedisServer(tmp_path, "--unixsocket", str(socket)):
        monkeypatch.setenv("RQ_REDIS_URL", f"unix://{socket}")
        enqueue_over_one_connection(f"unix://{socket}")


@pytest.mark.slow
def test_jobs_share_a_connection_behind_sentinels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SentinelGroup(tmp_path) as group:
        monkeypatch.setenv("RQ_REDIS_URL", group.url)
        connection: Any
        with connect(group.url) as connection:
            for _ in range(7):
                job_scheduler(jobs.sleep)

            of_this_process = [each for each in connection.client_list("normal") if each["cmd"] == "exec"]
            assert len(of_this_process) == 1
            assert connection.llen(f"rq:queue:{SHORT_RUNNING_QUEUE}") == 7
