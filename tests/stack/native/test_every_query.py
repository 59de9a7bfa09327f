"""Every query of every panel finds data in a running stack: under demo load, with failures of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from redis import Redis

from proofs.harness.boards import PANEL_QUERIES, Asked, interpolate, step_of
from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from tests.harness.mishaps import IMPATIENT, WITHIN, count_what_is_rare, demo_load, inject_failures

pytestmark = [
    pytest.mark.e2e(seconds=50),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

RANGE = 300

RIGHTLY_EMPTY = {
    "rq-stack-health: Notifications A": "no notifications, as long as no receivers are set",
}
"""Queries without data even here, with the reason."""


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    copy.environment |= IMPATIENT
    copy.environment |= {"RQ_MON_VERSION": "1.4.2"}  # the copy is no git checkout
    copy.evaluate_rules_every(seconds=2)
    started = copy.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    yield copy
    copy.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


@pytest.fixture
def redis(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """The Redis of the stack, which also receives the test's jobs."""
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())
    with connect(stack.redis_url()) as client:
        yield client


def is_answered(stack: NativeStack, query: Asked) -> bool:
    now = time()
    expr = interpolate(query, RANGE)
    if query.instant:
        answer = stack.ask_prometheus("query", query=expr, time=str(now))
    else:
        answer = stack.ask_prometheus(
            *("query_range",),
            query=expr,
            start=str(now - RANGE),
            end=str(now),
            step=str(step_of(query, RANGE)),
        )
    return bool(answer["result"])


def test_every_query_of_every_panel_finds_data(stack: NativeStack, redis: Redis) -> None:
    missing = set(PANEL_QUERIES)

    def look() -> bool:
        count_what_is_rare(redis)
        with ThreadPoolExecutor(4) as pool:
            asked = list(missing)
            answered = pool.map(partial(is_answered, stack), asked)
            missing.difference_update(q for q, found in zip(asked, answered, strict=True) if found)
        return {str(query) for query in missing} <= RIGHTLY_EMPTY.keys()

    with demo_load(stack):
        inject_failures(stack, redis)
        try:
            wait_until(look, "an answer to every query", within=WITHIN, every=2)
        except AssertionError:
            assert {str(query): query.expr for query in missing} == RIGHTLY_EMPTY

    assert {str(query) for query in missing} == RIGHTLY_EMPTY.keys()


def test_the_demo_prints_a_link_to_its_time_range(stack: NativeStack) -> None:
    before = time()

    demo = stack.make("demo", SECONDS="1")

    link = urlsplit(demo.stdout.splitlines()[-1].removeprefix("See them: "))
    start, end = (int(value) / 1000 for _, value in parse_qsl(link.query))
    assert f"{link.scheme}://{link.netloc}" == stack.settings.grafana_url()
    assert link.path == "/d/rq-overview"
    assert start < before < time() < end
