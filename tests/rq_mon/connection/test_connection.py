from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from proofs.bench.latency_proxy import LatencyProxy
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_refused_connection_is_retried_and_then_fails() -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"

    def seconds_until_it_fails(attempts: int) -> float:
        begin = time.monotonic()
        with connect(url, attempts=attempts) as client, pytest.raises(RedisConnectionError):
            client.ping()
        return time.monotonic() - begin

    assert seconds_until_it_fails(attempts=3) > 0.5
    wait_until(lambda: seconds_until_it_fails(attempts=1) < 0.2, "an attempt without a wait")


def test_a_missing_socket_file_is_retried(tmp_path: Path) -> None:
    begin = time.monotonic()

    with connect(f"unix://{tmp_path}/redis.sock", attempts=3) as client, pytest.raises(RedisConnectionError):
        client.ping()

    assert time.monotonic() - begin > 0.5


@pytest.mark.parametrize(("database", "trips"), [(0, 1), (3, 2)])
def test_opening_a_connection_takes_no_extra_round_trip(
    server: RedisServer, database: int, trips: int
) -> None:
    """A work horse opens one for each job. Another database must be selected."""
    with (
        LatencyProxy(server.port, latency=0.2) as proxy,
        connect(f"redis://127.0.0.1:{proxy.port}/{database}") as client,
    ):
        client.ping()

    assert proxy.trips == trips


@pytest.mark.parametrize("database", [0, 3])
@pytest.mark.parametrize("connected", [False, True])
def test_a_command_to_a_frozen_redis_fails_after_one_timeout(
    server: RedisServer, database: int, connected: bool
) -> None:
    with connect(f"redis://127.0.0.1:{server.port}/{database}", socket_timeout=0.5) as client:
        if connected:
            client.ping()
        server.signal(signal.SIGSTOP)

        def seconds_until_it_fails() -> float:
            begin = time.monotonic()
            with pytest.raises(RedisTimeoutError):
                client.ping()
            return time.monotonic() - begin

        try:
            # Two timeouts take at least a second. One takes less, unless the machine is busy.
            wait_until(lambda: seconds_until_it_fails() < 1.0, "the end after one timeout")
        finally:
            server.signal(signal.SIGCONT)

        assert client.ping()


def test_a_connection_that_redis_closed_is_replaced(server: RedisServer) -> None:
    with connect(server.url) as client:
        client.ping()
        server.kill()
        server.start()

        assert client.ping()


def test_accepts_a_unix_socket(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "--unixsocket", str(tmp_path / "redis.sock"))
    server.start()
    try:
        with connect(f"unix://{tmp_path}/redis.sock") as client:
            assert client.ping()
    finally:
        server.kill()


@pytest.mark.needs("openssl")
def test_accepts_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=redis",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    tls = ["--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(certificate)]
    server = RedisServer(tmp_path, *tls, "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    server.start()
    try:
        with connect(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}") as client:
            assert client.ping()
        with (
            connect(f"rediss://127.0.0.1:{port}/0", attempts=1) as client,
            pytest.raises(RedisConnectionError),
        ):
            client.ping()
    finally:
        server.kill()
