"""A real master with a replica, and three real Sentinels that watch over them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis
from redis.exceptions import RedisError

from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from stack.native.programs import REDIS_SERVER
from tests.harness.tls_redis import Certificates, TlsRedisServer

SERVICE = "queues"
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MILLISECONDS = 1000


class SentinelGroup:
    """Ready inside a `with` block: the replica follows, and each Sentinel knows the others."""

    def __init__(self, directory: Path, certificates: Certificates | None = None) -> None:
        """With certificates, all of them speak TLS and nothing else."""
        self.directory = directory
        self.certificates = certificates
        self.master = self._server("master")
        self.replica = self._server("replica", "--replicaof", "127.0.0.1", str(self.master.port))
        self.ports = [free_port() for _ in range(SENTINELS)]
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"{'rediss' if self.certificates else 'redis'}+sentinel://{hosts}/{SERVICE}/0"

    def __enter__(self) -> Self:
        try:
            self.master.start()
            self.replica.start()
            self._sentinels = [self._start_sentinel(port) for port in self.ports]
            for port in self.ports:
                wait_until(lambda port=port: self._is_ready(port), f"Sentinel {port} to know all", within=60)  # type: ignore[misc]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def master_port(self) -> int:
        """The port of the master, from the first Sentinel that answers."""
        for port in self.ports:
            with self._client(port) as sentinel:
                try:
                    return int(sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])
                except RedisError:
                    continue
        raise AssertionError("no Sentinel answers")

    def wait_for_failover(self) -> None:
        """Wait until the replica is the master."""
        wait_until(lambda: self.master_port() == self.replica.port, "a failover", within=60)

    def kill_sentinel(self, index: int) -> None:
        self._sentinels[index].kill()
        self._sentinels[index].wait()

    def _start_sentinel(self, port: int) -> subprocess.Popen[bytes]:
        folder = _made(self.directory / f"sentinel-{port}")
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"{self._port(port)}\n"
            "bind 127.0.0.1\n"
            f"dir {folder}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.master.port} {QUORUM}\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MILLISECONDS}\n"
            f"sentinel failover-timeout {SERVICE} 10000\n"
        )
        command = [REDIS_SERVER.path(), str(configuration), "--sentinel"]
        with (folder / "sentinel.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def _port(self, port: int) -> str:
        own = self.certificates
        if own is None:
            return f"port {port}"
        return (
            f"port 0\ntls-port {port}\ntls-replication yes\ntls-auth-clients no\n"
            f"tls-cert-file {own.server_cert}\ntls-key-file {own.server_key}\ntls-ca-cert-file {own.ca}"
        )

    def _is_ready(self, port: int) -> bool:
        with self._client(port) as sentinel:
            try:
                state: Any = sentinel.sentinel_master(SERVICE)
            except RedisError:
                return False
        return bool(state["num-other-sentinels"] == SENTINELS - 1 and state["num-slaves"] == 1)

    def _server(self, name: str, *options: str) -> RedisServer:
        folder = _made(self.directory / name)
        if self.certificates is None:
            return RedisServer(folder, *options)
        return TlsRedisServer(folder, self.certificates, "--tls-replication", "yes", *options)

    def _client(self, port: int) -> Redis:
        tls: dict[str, Any] = {}
        if self.certificates is not None:
            tls = {"ssl": True, "ssl_ca_certs": str(self.certificates.ca)}
        return Redis(port=port, decode_responses=True, **tls)

    def _end(self) -> None:
        for process in self._sentinels:
            process.kill()
            process.wait()
        self.replica.kill()
        self.master.kill()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
