"""The Redis of the run, which can crash, lose power, freeze, and fill its disk."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from proofs.fault_run.kinds import QUEUES
from proofs.fault_run.plan import Right
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect

LOST_SECONDS = 1.0
"""What `appendfsync everysec` may lose in a power cut."""
HELD_BACK_SECONDS = 3.0
"""Seconds for which Redis keeps acknowledged writes in memory while its disk is slow
(`flushAppendOnlyFile`)."""
WRITES_WITHIN = 10.0
BALLAST_BYTES = 2**16
RULES: dict[Right, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "scripts": (("-eval",), ("+eval",)),
    "keys": (("resetkeys", "~rq:[^m]*"), ("allkeys",)),
}
"""ACL rules that revoke a right, and that restore it. No key of RQ begins with `rq:m`."""
OPTIONS = (
    *("--appendonly", "yes", "--maxmemory-policy", "noeviction", "--auto-aof-rewrite-percentage", "0"),
    *("--aof-timestamp-enabled", "yes"),
)
"""The append-only file is never rewritten: the ledger replays it from the beginning."""


@dataclass(frozen=True)
class Loss:
    """The period of which Redis may have lost writes, as Unix times."""

    since: float
    """Older acknowledged writes are kept."""
    until: float


class FaultyRedis:
    """A Redis with its data on its own small disk.

    Args:
        directory: for its data; a file system is mounted there if permitted.
        disk_bytes: the size of that file system.
        fsync: `everysec`, as in the stack, or `always`.
    """

    def __init__(self, directory: Path, disk_bytes: int, fsync: str) -> None:
        directory.mkdir()
        self.has_disk = _mount(directory, disk_bytes)
        self.losses: list[Loss] = []
        self._directory = directory
        self._fsync = fsync
        self._server = RedisServer(directory, *OPTIONS, "--appendfsync", fsync)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def append_only_file(self) -> Path:
        return max((self._directory / "appendonlydir").glob("*.incr.aof"))

    def crash(self) -> None:
        """Kill Redis and start it again. Its writes are in the kernel's cache and are kept."""
        since = time.time() - HELD_BACK_SECONDS
        self._server.kill()
        self.losses.append(Loss(since, time.time()))
        self._server.start()

    def cut_power(self) -> None:
        """Kill Redis, and cut the last second from its file, which would not be on the disk yet."""
        if self._fsync == "always":
            self.crash()
            return
        on_disk, since = self.append_only_file.stat().st_size, time.time() - HELD_BACK_SECONDS
        time.sleep(LOST_SECONDS)
        self._server.kill()
        self.losses.append(Loss(since, time.time()))
        os.truncate(self.append_only_file, on_disk)
        self._server.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze Redis during the block: it accepts connections but does not answer."""
        self._server.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def refusing(self, right: Right) -> Iterator[None]:
        """Revoke a right that is needed to count jobs, during the block."""
        take, give_back = RULES[right]
        with connect(self.url) as connection:
            _set_rules(connection, take)
        try:
            yield
        finally:
            with connect(self.url) as connection:
                _set_rules(connection, give_back)

    def lose_registrations(self) -> int:
        """Delete everything that RQ knows about workers; return the number of deleted keys."""
        with connect(self.url) as connection:
            keys = list(connection.scan_iter(f"{Worker.redis_worker_namespace_prefix}*", count=1000))
            lists = [REDIS_WORKER_KEYS, *(WORKERS_BY_QUEUE_KEY % name for name in QUEUES)]
            connection.delete(*keys, *lists)
            return len(keys)

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Fill its disk during the block."""
        ballast = self._directory / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:  # until there is no space left
                file.write(bytes(BALLAST_BYTES))
        try:
            yield
        finally:
            ballast.unlink()
            wait_until(self._writes, "Redis to write again", within=WRITES_WITHIN)

    def _writes(self) -> bool:
        """Redis tries to write once a second, and refuses all writes until it succeeds."""
        with contextlib.suppress(RedisError), connect(self.url) as connection:
            return bool(connection.info("persistence")["aof_last_write_status"] == "ok")
        return False

    def __enter__(self) -> FaultyRedis:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()

    def unmount(self) -> None:
        """Unmount the disk; its data are lost."""
        if self.has_disk:
            subprocess.run(["umount", "--lazy", str(self._directory)], check=True)


def _set_rules(connection: Redis, rules: tuple[str, ...]) -> None:
    connection.execute_command("ACL", "SETUSER", "default", *rules)  # type: ignore[no-untyped-call]


def _mount(directory: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    with contextlib.suppress(OSError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False
