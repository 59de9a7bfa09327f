"""The Redis of the run loses exactly the writes that it says it lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from proofs.fault_run.redis_server import HELD_BACK_SECONDS, LOST_SECONDS, FaultyRedis
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect

pytestmark = pytest.mark.needs("redis-server")

DISK_BYTES = 2**24


class Writer:
    """Writes consecutive numbers, a few hundred a second, until Redis does not answer or the block ends.

    Records for each when it was sent, and when Redis acknowledged it.
    """

    def __init__(self, url: str) -> None:
        self.acknowledged: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._url = url
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _write(self) -> None:
        with connect(self._url) as connection:
            while not self._ended.wait(0.003):
                asked = time.time()
                try:
                    connection.rpush("numbers", len(self.acknowledged))
                except RedisError:
                    return
                self.acknowledged.append((asked, time.time()))


@pytest.fixture(params=["everysec", "always"])
def fsync(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def redis(fsync: str, tmp_path: Path) -> Iterator[FaultyRedis]:
    server = FaultyRedis(tmp_path / "redis", DISK_BYTES, fsync)
    with server:
        yield server
    server.unmount()


@pytest.mark.slow
def test_a_power_cut_loses_the_writes_acknowledged_in_the_last_second(redis: FaultyRedis, fsync: str) -> None:
    with Writer(redis.url) as writer:
        wait_until(lambda: len(writer.acknowledged) > 100, "a hundred writes", within=60)
        redis.cut_power()

    with connect(redis.url) as connection:
        kept = {int(number) for number in connection.lrange("numbers", 0, -1)}
    lost = [times for number, times in enumerate(writer.acknowledged) if number not in kept]
    (loss,) = redis.losses
    if fsync == "always":
        assert lost == []
        return
    assert loss.until - loss.since >= HELD_BACK_SECONDS + LOST_SECONDS
    assert len(lost) > 1
    assert [times for times in lost if times[0] > loss.until or times[1] < loss.since] == []
