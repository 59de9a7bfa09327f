"""With RQ_REDIS_URL the stack, in either runtime, watches an application's Redis without changing it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.native_stack import NativeStack
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import JOBS, REDIS_UP
from rq_mon.connection.client import connect
from rq_mon.settings import Settings
from stack.secrets import WEB_PASSWORD
from stack.services import APPLICATION_SERVICES, RQ_MON_WEB
from stack.variables import REDIS_URL
from tests.harness.sentinels import SentinelGroup
from tests.harness.surface import secrets_of
from tests.harness.tls_redis import Certificates, TlsRedisServer
from tests.harness.web import Operator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e(seconds=40),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

CA = "RQ_REDIS_CA_FILE"


@pytest.fixture(params=["plain", "tls", "sentinel"])
def variables(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables that name an application's Redis."""
    directory = tmp_path_factory.mktemp("application")
    if request.param == "plain":
        with RedisServer(directory) as server:
            yield {REDIS_URL: server.url}
    elif request.param == "tls":
        certificates = Certificates(directory / "certificates", "127.0.0.1")
        with TlsRedisServer(directory, certificates) as tls_server:
            yield {REDIS_URL: tls_server.url, CA: str(certificates.ca)}
    else:
        with SentinelGroup(directory) as group:
            yield {REDIS_URL: group.url}


@pytest.fixture
def stack(
    project_root: Path, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("watch"), **variables)
    yield copy
    copy.remove()


def content_of(client: Any) -> dict[bytes, tuple[bytes, bool]]:
    """Every key with its value, and whether it expires."""
    return {key: (client.dump(key), client.ttl(key) > 0) for key in client.scan_iter()}


def test_shows_the_queues_of_an_application_and_does_not_change_its_redis(
    stack: NativeStack, variables: dict[str, str]
) -> None:
    redis = connect(Settings.from_environment(variables).redis_url)
    Queue("application", connection=redis).enqueue("application.tasks.run")
    before = content_of(redis)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert "the stack watches that Redis" in started.stdout
    assert not [service.name for service in APPLICATION_SERVICES if f"\n{service.name} " in started.stdout]
    is_queued = f'{JOBS.name}{{queue="application",status="queued"}} == 1'
    for condition in (is_queued, f"{REDIS_UP.name} == 1", "redis_up == 1"):
        wait_until(partial(stack.sum_of, condition), f"{condition} in Prometheus", within=90, every=0.5)
    assert content_of(redis) == before
    redis.close()


# ---- from the stack's own Redis to another one, and back ----


LOOKS = [
    ("status",),
    ("status", "mail"),
    ("jobs", "mail", "--state", "failed"),
    ("job", "refund"),
    ("failed", "--traceback"),
    ("cron", "list"),
    ("health",),
    ("prune", "--dry-run"),
    ("export", "rules", "exported"),
]
PAGES = ["/", "/failures", "/queue?name=mail&state=failed", "/job?id=refund", "/find?id=refund"]
PAGES += ["/cron", "/running", "/workers", "/runbooks/"]


@pytest.fixture
def application(tmp_path: Path) -> Iterator[RedisServer]:
    """An application's Redis, with everything that RQ would clean up at its first look."""
    with RedisServer(tmp_path) as server:
        redis = connect(server.url)
        leave_behind(redis)
        yield server
        redis.close()


def leave_behind(redis: Redis) -> None:
    queue = Queue("mail", connection=redis)
    first = queue.enqueue("shop.tasks.send", job_id="refund")
    queue.enqueue("shop.tasks.send", depends_on=first)
    queue.enqueue_in(timedelta(hours=-1), "shop.tasks.late")
    redis.delete(queue.enqueue("shop.tasks.gone").key)
    long_ago = time.time() - 10_000
    for registry in ("wip", "failed", "finished", "canceled"):
        job = queue.enqueue("shop.tasks.send", job_id=f"old-{registry}")
        redis.zadd(f"rq:{registry}:mail", {job.id: long_ago})
    redis.zadd("rq:wip:mail", {"unknown:1": long_ago})
    redis.rpush("rq:queue:mail:intermediate", queue.enqueue("shop.tasks.send").id)
    redis.sadd("rq:workers", "rq:worker:ghost", "rq:worker:silent")
    redis.sadd("rq:workers:mail", "rq:worker:ghost")
    redis.hset(
        "rq:worker:silent", mapping={"queues": "mail", "state": "idle", "birth": "2020-01-01T00:00:00Z"}
    )
    redis.set("rq:scheduler-lock:mail", "1", ex=100_000)


def test_switching_to_another_redis_and_back_needs_confirmation_and_writes_nothing_there(
    project_root: Path, application: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stack = NativeStack(project_root, tmp_path_factory.mktemp("own"))
    watch = {REDIS_URL: application.url}
    redis = connect(application.url)
    before = content_of(redis)
    assert len(before) > 15
    try:
        started = stack.make("start-rq-mon")
        assert started.returncode == 0, started.stdout
        assert "make demo" in started.stdout
        running = stack.numbers()

        unasked = stack.make("start-rq-mon", **watch)
        assert unasked.returncode != 0
        for service in APPLICATION_SERVICES:
            assert service.name in unasked.stdout
        assert f"queues of {application.url}" in unasked.stdout
        assert "YES=1" in unasked.stdout
        assert stack.numbers() == running

        started = stack.make("start-rq-mon", YES="1", **watch)
        assert started.returncode == 0, started.stdout
        assert "make demo" not in started.stdout
        assert f"{REDIS_URL} applies to this start only" in started.stdout
        assert not stack.numbers().keys() & {service.name for service in APPLICATION_SERVICES}

        use_every_tool(stack, watch)
        assert content_of(redis) == before

        watching = stack.numbers()
        unasked = stack.make("start-rq-mon")
        assert unasked.returncode != 0
        assert f"Set at the last start, but not now and not in .env: {REDIS_URL}" in unasked.stdout
        assert f"instead of those of {application.url}" in unasked.stdout
        assert stack.numbers() == watching

        assert stack.make("stop-rq-mon", **watch).returncode == 0
        assert content_of(redis) == before
        back = stack.make("start-rq-mon")
        assert back.returncode == 0, back.stdout
        assert f"not in .env: {REDIS_URL}" in back.stdout
        assert stack.numbers().keys() == running.keys()
        assert content_of(redis) == before
    finally:
        stack.remove()
        redis.close()


def use_every_tool(stack: NativeStack, watch: dict[str, str]) -> None:
    is_scraped = f'{JOBS.name}{{queue="mail",status="queued"}} > 0'
    wait_until(partial(stack.sum_of, is_scraped), f"{is_scraped} in Prometheus", within=90, every=0.5)
    wait_until(lambda: stack.make("status", **watch).returncode == 0, "all to be healthy", within=90, every=1)
    for words in LOOKS:
        looked = rqmon(stack, watch, *words)
        assert looked.returncode in (0, 1), looked.stdout
    rqmon(stack, watch, "tail", before=("timeout", "--signal=INT", "10"))
    operator = Operator(stack.url(RQ_MON_WEB))
    operator.log_in(secrets_of(stack)[WEB_PASSWORD])
    for page in PAGES:
        assert operator.get(page)
    refused = stack.make("demo", **watch)
    assert refused.returncode != 0
    assert f"{REDIS_URL} is set: the stack only watches that Redis" in refused.stdout
    assert stack.make("backup", FILE="backup.zip", **watch).returncode == 0


def rqmon(
    stack: NativeStack, watch: dict[str, str], *words: str, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, "./rqmon", *words],
        cwd=stack.directory,
        env=stack.environment | watch,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
