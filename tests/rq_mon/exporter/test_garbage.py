"""Random garbage in Redis: every scrape is up, valid, and without duplicate series."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from redis import Redis
from redis.exceptions import ResponseError

from rq_mon import catalogue
from rq_mon.exporter.blocks import plain
from rq_mon.exporter.exposition import openmetrics_format
from rq_mon.series import jobs_key
from rq_mon.state.queues import REGISTRIES
from tests.rq_mon.exporter.samples import errors_of, samples_of

ROUNDS = 25
THROWS_A_ROUND = 40

NAMES = (b"mail", b"\xff", rb"\xff", b'quote"', b"line\nfeed", b"", b"a,b", b"\0", b"x" * 300)
DEFINITION = b'{"queue": "\\ud800", "function": "f", "schedule": "* * * * *"}'
VALUES = (
    b"",
    b"\xff\xfe",
    b" 1 ",
    b"1 2 job-1",
    b"nan 1 job-1",
    b"9" * 5000,
    b"[" * 200_000,
    DEFINITION,
    *b'0 1 -1 1.5 1_0 nan -inf 1e400 99999999999999999999 mail a,b {} "'.split(),
    *b"2026-01-01T00:00:00.000000Z 0001-01-01T00:00:00+23:59 2026-01-01".split(),
)
FIELDS = (
    *b"state queues successful_job_count failed_job_count total_working_time death last_heartbeat".split(),
    *b"current_job enqueued_at started_at origin timeout mail:enqueued :missed x:y ERR count le:1".split(),
    *b"success:count success:microseconds success:le:0.1 success:exemplar:0.1 success:".split(),
    *b"failed:le:nan microseconds".split(),
    *b"failed:le:-1 abandoned:count exceptions:count:\xff exceptions:count: \xff".split(),
)


class Garbage:
    """Writes garbage to random places, mostly with the right type: otherwise nothing would read it."""

    def __init__(self, client: Redis, seed: int) -> None:
        self._client: Any = client
        self._random = random.Random(seed)

    def throw(self) -> None:
        one_of = self._random.choice
        name, function = one_of(NAMES), one_of(NAMES)
        sets = {b"rq:queues", b"rq:workers", catalogue.MONITORED_QUEUES_KEY.encode()}
        sets |= {catalogue.FUNCTIONS_KEY_PREFIX.encode() + name}
        sorted_sets = {registry + name for registry in REGISTRIES.values()}
        sorted_sets |= {catalogue.CRON_NEXT_TICKS_KEY.encode(), catalogue.CRON_SCHEDULERS_KEY.encode()}
        hashes = {b"rq:worker:" + name, b"rq:job:" + name, catalogue.WAITS_KEY_PREFIX.encode() + name}
        hashes |= {jobs_key(name.decode("latin-1"), function.decode("latin-1")).encode()}
        hashes |= {catalogue.CRON_JOBS_KEY.encode(), catalogue.CRON_LAST_TICKS_KEY.encode()}
        hashes |= {catalogue.CRON_TICKS_KEY.encode(), catalogue.WRITE_ERRORS_KEY.encode()}
        throws: dict[Callable[[bytes], object], set[bytes]] = {
            self._into_set: sets,
            self._into_sorted_set: sorted_sets,
            self._into_list: {b"rq:queue:" + name},
            self._into_hash: hashes,
        }
        throw, keys = one_of(list(throws.items()))
        if self._random.random() < 0.1:
            throw = one_of(list(throws))
        with suppress(ResponseError):  # the key already has another type
            throw(one_of(sorted(keys)))

    def _into_set(self, key: bytes) -> None:
        self._client.sadd(
            key, self._random.choice((b"rq:queue:", b"rq:worker:", b"")) + self._random.choice(NAMES)
        )

    def _into_sorted_set(self, key: bytes) -> None:
        self._client.zadd(key, {self._random.choice(NAMES): self._random.choice((0, -1, 1e12, float("inf")))})

    def _into_list(self, key: bytes) -> None:
        self._client.rpush(key, self._random.choice(NAMES))

    def _into_hash(self, key: bytes) -> None:
        self._client.hset(key, self._random.choice(FIELDS + NAMES), self._random.choice(VALUES))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_scrape_of_garbage_is_up_and_valid(
    redis_client: Redis, registry: CollectorRegistry, seed: int
) -> None:
    garbage = Garbage(redis_client, seed)
    for _ in range(ROUNDS):
        for _ in range(THROWS_A_ROUND):
            garbage.throw()

        samples_of(registry)  # fails if a series appears twice
        text = b"".join(plain(openmetrics_format(registry.collect()))).decode()
        list(parse_openmetrics(text))  # type: ignore[no-untyped-call]

        assert registry.get_sample_value("rq_redis_up") == 1

    assert errors_of(registry, "internal") == 0
    assert all(errors_of(registry, theme) > 0 for theme in ("queues", "workers", "jobs", "cron"))
