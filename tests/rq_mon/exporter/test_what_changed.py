"""An exporter with a cache always serves the same as one that has just started."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from proofs.harness.redis_server import RedisServer
from rq_mon import catalogue
from rq_mon.series import functions_key, jobs_key
from rq_mon.worker.pruning import prune
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.exporter.local_exporter import OPENMETRICS, LocalExporter

QUEUES = ("mail", "reports", 'hostile "\n\r\n$3\r\nabc\r\n-ERR')
FUNCTIONS = 40
RECORDER = JobRecorder(max_functions=FUNCTIONS - 5, max_exceptions=3)
STEPS = 40


class Happenings:
    """Changes of the counters between two scrapes."""

    def __init__(self, client: Redis, seed: int) -> None:
        self._client: Any = client
        self._random = random.Random(seed)
        self._backups: list[dict[bytes, bytes]] = [{}]
        self._number = 0

    def all(self) -> list[Callable[[], None]]:
        return [
            *(self.end,) * 6,
            *(self.write_as_an_older_worker, self.back_up, self.restore, self.prune, self.flush),
            *(self.delete_a_hash, self.forget_a_function, self.write_foreign_value, self.spoil),
        ]

    def any(self) -> Callable[[], None]:
        return self._random.choice(self.all())

    def _key(self) -> tuple[str, str]:
        return self._random.choice(QUEUES), f"app.f{self._random.randrange(FUNCTIONS)}"

    def end(self) -> None:
        for _ in range(self._random.randrange(1, 30)):
            self._number += 1
            queue, function = self._key()
            job_id = f"job-{self._number}"
            outcome: catalogue.Outcome = self._random.choice(catalogue.OUTCOMES)
            exception = f"Error{self._random.randrange(5)}" if outcome in ("failed", "retried") else ""
            seconds = None if outcome == "abandoned" else self._random.choice([0.001, 0.3, 40.0])
            RECORDER.record_start(self._client, Start(job_id, queue, description="", waited=0.2))
            RECORDER.record_end(
                self._client, End(job_id, job_id, queue, function, outcome, exception, seconds)
            )

    def write_as_an_older_worker(self) -> None:
        """Any writer works: the exporter looks only at the counts."""
        self._client.hincrby(jobs_key(*self._key()), "success:count", 1)

    def back_up(self) -> None:
        keys = self._client.keys("*")
        self._backups.append({key: dump for key in keys if (dump := self._client.dump(key))})

    def restore(self) -> None:
        self._client.flushall()
        for key, dump in self._random.choice(self._backups).items():
            self._client.restore(key, 0, dump)

    def prune(self) -> None:
        list(prune(self._client, self._random.choice([-10.0, 3600.0]), lambda _: None))

    def flush(self) -> None:
        self._client.flushall()

    def delete_a_hash(self) -> None:
        self._client.delete(jobs_key(*self._key()))

    def forget_a_function(self) -> None:
        queue, function = self._key()
        self._client.srem(functions_key(queue), function)

    def write_foreign_value(self) -> None:
        queue, function = self._key()
        self._client.set(jobs_key(queue, function), "foreign")
        self._client.sadd(functions_key(queue), function)

    def spoil(self) -> None:
        queue, function = self._key()
        if self._client.type(jobs_key(queue, function)) in (b"hash", b"none"):
            self._client.hset(jobs_key(queue, function), "success:count", "many")
            self._client.sadd(functions_key(queue), function, b"\xff")


@pytest.mark.slow
def test_every_line_is_the_same_as_after_a_full_read(redis_client: Redis, redis_server: RedisServer) -> None:
    """Two exporters are scraped in turn, one of them rarely. A third one has always just started."""
    often, rarely = LocalExporter(redis_server.url), LocalExporter(redis_server.url)
    happenings = Happenings(redis_client, 1)
    happenings.end()

    for step in range(STEPS):
        what = happenings.any()
        what()
        for accepted in (OPENMETRICS, "text/plain"):
            expected = LocalExporter(redis_server.url).lines(accepted, "identity")
            assert often.lines(accepted) == expected, f"step {step}, {what.__name__}, {accepted}"
            assert often.lines(accepted, "identity") == expected
        if step % 7 == 0:
            assert rarely.lines(OPENMETRICS) == LocalExporter(redis_server.url).lines(OPENMETRICS)


def test_unreadable_data_are_counted_at_each_scrape_even_if_nothing_changes(
    redis_client: Redis, redis_server: RedisServer
) -> None:
    exporter = LocalExporter(redis_server.url)
    redis_client.sadd(catalogue.MONITORED_QUEUES_KEY, "mail")
    redis_client.sadd(functions_key("mail"), "foreign", "spoiled", b"\xff")
    redis_client.set(jobs_key("mail", "foreign"), "x")
    redis_client.hset(jobs_key("mail", "spoiled"), "success:count", "many")

    for _ in range(3):
        exporter.lines(OPENMETRICS)

    assert exporter.errors.counts()["jobs"] == 3 * 3


def test_after_redis_restarts_with_older_data_these_are_served(tmp_path: Path) -> None:
    """Like a restored backup, or a replica that took over slightly behind."""
    with RedisServer(tmp_path) as server, Redis(port=server.port) as client:
        exporter = LocalExporter(server.url)
        happenings = Happenings(client, 3)
        happenings.end()
        before = exporter.lines(OPENMETRICS)
        client.save()
        happenings.end()
        assert exporter.lines(OPENMETRICS) != before

        server.kill()
        server.start()

        assert exporter.lines(OPENMETRICS) == before
