"""An exporter that knows workers and queues serves the same as one that has just started."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.series import waits_key
from rq_mon.state.queues import REGISTRIES
from rq_mon.worker.recorder import JobRecorder, Start
from tests.rq_mon.exporter.local_exporter import OPENMETRICS, LocalExporter
from tests.rq_mon.state.dripping_proxy import DrippingProxy

STEPS = 60
NOON = 1795780800.0
QUEUES = [f"queue-{number}" for number in range(25)] + ['hostile "\n\r\n$3\r\nabc\r\n-ERR', "zürich"]
WORKERS = [f"worker-{number}" for number in range(35)]
ABOUT = ("rq_jobs{", "rq_job_", "rq_workers", "rq_worker_", "rq_queue_", "rq_cron")
RECORDER = JobRecorder(max_functions=5, max_exceptions=3)


def about_queues(exporter: LocalExporter) -> tuple[list[str], dict[str, int]]:
    """Return all lines about workers and queues, and how many errors of each kind the scrape counted.

    Without the seconds until a worker expires, which pass meanwhile.
    """
    before: dict[Any, int] = exporter.errors.counts()
    lines = exporter.lines(OPENMETRICS, about=ABOUT)
    counted = {str(reason): count - before[reason] for reason, count in exporter.errors.counts().items()}
    return [line.rpartition(" ")[0] if "expires" in line.split("{")[0] else line for line in lines], counted


class Happenings:
    """Changes of workers and queues between two scrapes."""

    def __init__(self, client: Redis, seed: int) -> None:
        self._client: Any = client
        self._random = random.Random(seed)
        self._backups: list[dict[bytes, bytes]] = [{}]
        self._number = 0
        self.now = NOON

    def all(self) -> list[Callable[[], None]]:
        return [
            *(self.start_worker, self.start_job, self.end_job, self.enqueue, self.fill_registry) * 3,
            *(self.beat, self.kill_worker, self.sign_off, self.forget_queue, self.empty_queue),
            *(self.same_length, self.wrong_type, self.spoil, self.truncate, self.wait, self.defer),
            *(self.hold_back, self.back_up, self.restore, self.flush, self.nothing),
        ]

    def any(self) -> Callable[[], None]:
        return self._random.choice(self.all())

    def _date(self) -> str:
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _queue(self) -> str:
        return self._random.choice(QUEUES)

    def _worker(self) -> str:
        return f"rq:worker:{self._random.choice(WORKERS)}"

    def _registry(self) -> str:
        return self._random.choice([*REGISTRIES.values()]).decode() + self._queue()

    def _set(self, key: str, **fields: str) -> None:
        if self._client.type(key) in (b"hash", b"none"):
            self._client.hset(key, mapping=fields)

    def nothing(self) -> None:
        """Only time passes."""

    def start_worker(self) -> None:
        key = self._worker()
        self._client.sadd("rq:workers", key)
        self._set(key, birth=self._date(), state="idle", queues=f"{self._queue()},{self._queue()}")
        self._client.expire(key, 1000)

    def start_job(self) -> None:
        self._number += 1
        job = f"running-{self._number}"
        self._set(f"rq:job:{job}", origin=self._queue(), started_at=self._date(), timeout="30")
        self._set(self._worker(), state="busy", current_job=job)

    def end_job(self) -> None:
        self._set(self._worker(), state="idle", successful_job_count=str(self._random.randrange(100)))

    def beat(self) -> None:
        key = self._worker()
        self._set(key, last_heartbeat=self._date(), total_working_time=str(self._random.random()))
        self._client.expire(key, 2000)

    def kill_worker(self) -> None:
        self._client.delete(self._worker())

    def sign_off(self) -> None:
        self._set(self._worker(), death=self._date())

    def enqueue(self) -> None:
        queue = self._queue()
        for _ in range(self._random.randrange(1, 4)):
            self._number += 1
            self._set(f"rq:job:queued-{self._number}", enqueued_at=self._date(), origin=queue)
            self._client.sadd("rq:queues", f"rq:queue:{queue}")
            if self._client.type(f"rq:queue:{queue}") in (b"list", b"none"):
                self._client.rpush(f"rq:queue:{queue}", f"queued-{self._number}")

    def fill_registry(self) -> None:
        key = self._registry()
        if self._client.type(key) in (b"zset", b"none"):
            until = self.now + self._random.choice([-5.0, 0.5, 2.5, 1000.0])
            self._client.zadd(key, {f"job-{self._random.randrange(50)}": until})

    def forget_queue(self) -> None:
        self._client.srem("rq:queues", f"rq:queue:{self._queue()}")

    def empty_queue(self) -> None:
        self._client.delete(f"rq:queue:{self._queue()}", self._registry())

    def same_length(self) -> None:
        """Other bytes of the same length, so that only their content shows the change."""
        self._set(self._worker(), state=self._random.choice(["idle", "busy"]), failed_job_count="7")
        self._set(self._worker(), failed_job_count="8")

    def wrong_type(self) -> None:
        key = self._random.choice([self._registry(), f"rq:queue:{self._queue()}", self._worker()])
        self._client.delete(key)
        self._client.set(key, "foreign")

    def spoil(self) -> None:
        self._set(self._worker(), last_heartbeat="soon", total_working_time="-3")
        self._client.sadd("rq:workers", b"foreign-\xff", "rq:worker:\\xff", b"rq:worker:\xff")
        self._client.sadd("rq:queues", "foreign")
        self._set(waits_key(self._queue()), count="many", expired="some")

    def truncate(self) -> None:
        """A hash that lost fields."""
        key = self._worker()
        if self._client.type(key) == b"hash":
            self._client.hdel(key, self._random.choice(["birth", "queues", "state", "current_job"]))

    def wait(self) -> None:
        queue = self._queue()
        if self._client.type(waits_key(queue)) in (b"hash", b"none"):
            RECORDER.record_start(
                self._client,
                Start(f"job-{self._number}", queue, description="", waited=self._random.random()),
            )

    def defer(self) -> None:
        """A job that depends on one that may be in another queue, and that may have failed."""
        self._number += 1
        on, job, queue = self._random.randrange(self._number), f"deferred-{self._number}", self._queue()
        self._set(f"rq:job:{job}", dependency_id=f"deferred-{on}", status="deferred")
        self._set(f"rq:job:deferred-{on}", status=self._random.choice(["failed", "deferred", "started"]))
        self._client.sadd("rq:queues", f"rq:queue:{queue}")
        if self._client.type(f"rq:deferred:{queue}") in (b"zset", b"none"):
            self._client.zadd(f"rq:deferred:{queue}", {job: self.now})

    def hold_back(self) -> None:
        self._number += 1
        job = f"limited-{self._number}"
        self._set(f"rq:job:{job}", origin=self._queue(), status="rate_limited")
        self._client.sadd("rq:rl-keys", "mail")
        self._client.zadd("rq:rl:mail:rate_limited", {job: self.now})

    def back_up(self) -> None:
        self._backups.append(self.all_keys())

    def restore(self) -> None:
        self.write(self._random.choice(self._backups))

    def all_keys(self) -> dict[bytes, bytes]:
        return {key: dump for key in self._client.keys("*") if (dump := self._client.dump(key))}

    def write(self, backup: dict[bytes, bytes]) -> None:
        self._client.flushall()
        for key, dump in backup.items():
            self._client.restore(key, 0, dump)

    def flush(self) -> None:
        if self._random.random() < 0.3:
            self._client.flushall()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_every_line_is_that_of_a_full_read(
    redis_client: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Two exporters are scraped in turn, one of them rarely. A third one has always just started."""
    often, rarely = LocalExporter(redis_server.url), LocalExporter(redis_server.url)
    happenings = Happenings(redis_client, seed)
    monkeypatch.setattr(time, "time", lambda: happenings.now)  # so that ages are the same, too

    for step in range(STEPS):
        happened = [happenings.any() for _ in range(1 + step % 5)]
        for each in happened:
            each()
        done = f"step {step}: {[each.__name__ for each in happened]}"
        happenings.now += 1.0
        expected = about_queues(LocalExporter(redis_server.url))
        assert about_queues(often) == expected, done
        if step % 7 == 0:
            assert about_queues(rarely) == expected, done


def test_a_restart_on_older_data_serves_the_older_data(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, Redis(port=server.port) as client:
        exporter = LocalExporter(server.url)
        happenings = Happenings(client, 3)
        happenings.now = time.time() + 1e6  # so that nothing expires meanwhile
        for _ in range(5):
            happenings.start_worker()
            happenings.fill_registry()
        before = about_queues(exporter)
        client.save()
        for _ in range(5):
            happenings.start_worker()
            happenings.fill_registry()
        assert about_queues(exporter) != before

        server.kill()
        server.start()

        assert about_queues(exporter) == before


def test_replies_that_are_cut_off_are_not_taken_for_those_of_the_next_scrape(
    redis_client: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    happenings = Happenings(redis_client, 4)
    monkeypatch.setattr(time, "time", lambda: happenings.now)
    with DrippingProxy(redis_server.port, 0) as proxy:
        exporter = LocalExporter(proxy.url)
        for _ in range(30):
            happenings.start_worker()
            happenings.enqueue()
        before = happenings.all_keys()
        for lines in (1, 25, 60, 100, 150):
            about_queues(exporter)
            proxy.most_lines = lines
            redis_client.client_kill_filter(_type="normal", skipme=True)
            wait_until(lambda: not proxy.is_open, "the exporter's connection to end", within=60)
            happenings.start_job()
            happenings.enqueue()
            assert "\nrq_redis_up 0.0\n" in exporter.text(OPENMETRICS, "gzip")
            if lines % 100:
                happenings.write(before)  # what the exporter knows from before the cut
            proxy.most_lines = None

            assert about_queues(exporter) == about_queues(LocalExporter(redis_server.url)), lines
