"""The exporter's metrics of an application with its own RQ, in any version, with any workers and code.

The exporter's user has exactly the rights in docs/start/your-own-rq.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from rq import Queue

from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from tests.harness.exporter_user import NAME, PASSWORD, create_exporter_user, rules
from tests.rq_mon.applications.foreign_application import INTERPRETERS, MONITORED, Application

pytestmark = [pytest.mark.slow, pytest.mark.e2e(seconds=2), pytest.mark.needs("redis-server")]

ORDERS, PRIORITY, MAIL, NUMBERS, PACKING = "orders", "priority orders", "mail", "numbers", "packing"
QUEUED = {ORDERS: 8, PRIORITY: 8, MAIL: 20, NUMBERS: 6, PACKING: 1}
SHOP = ("--job-class", "shop.classes.ShopJob", "--queue-class", "shop.classes.ShopQueue")


@dataclass(frozen=True)
class Watched:
    """A running application, and its exporter."""

    application: Application
    redis: Any
    exporter: Exporter
    before: dict[tuple[Any, ...], float]
    """Samples from before its workers started, by name and labels."""

    def value(self, name: str, **labels: str) -> float | None:
        return self.exporter.get().value(name, **labels)


@pytest.fixture(scope="module", params=sorted(INTERPRETERS))
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The application after all jobs but one have ended."""
    directory = tmp_path_factory.mktemp("application")
    assert INTERPRETERS[request.param].exists(), "its environment is made by `make test-rq3`"
    with RedisServer(directory) as server, Redis(port=server.port) as redis:
        create_exporter_user(redis)
        url = server.url.replace("://", f"://{NAME}:{PASSWORD}@")
        application = Application(request.param, server.url, directory)
        with running_exporter(url, directory) as exporter:
            try:
                application.enqueue()
                before = samples(exporter)
                start_workers(application)
                yield wait_until_worked(Watched(application, redis, exporter, before))
            finally:
                application.kill()


def start_workers(application: Application) -> None:
    """Plain and monitored ones, alone and in pools."""
    application.work(ORDERS, options=SHOP)
    application.work(PRIORITY, options=(*SHOP, *MONITORED))
    application.work_as_pool(MAIL, workers=2, options=MONITORED)
    application.work_as_pool(NUMBERS, workers=2, options=(*MONITORED, "--serializer", "json"))
    application.work(PACKING, ORDERS)


def wait_until_worked(watched: Watched) -> Watched:
    def is_done() -> bool:
        scrape = watched.exporter.get()
        queued = [scrape.value("rq_jobs", queue=queue, status="queued") for queue in QUEUED]
        started = [scrape.value("rq_jobs", queue=queue, status="started") for queue in QUEUED]
        return queued == [0] * len(QUEUED) and started == [0, 0, 0, 0, 1]

    try:
        wait_until(is_done, "all jobs but one to end", within=120, every=0.2)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{watched.application.log[-5000:]}") from None
    return watched


def samples(exporter: Exporter) -> dict[tuple[Any, ...], float]:
    families = text_string_to_metric_families(exporter.get().body.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def before(watched: Watched, name: str, **labels: str) -> Any:
    return watched.before[(name, *sorted(labels.items()))]


def test_shows_depth_and_age_of_each_queue_before_any_worker_runs(watched: Watched) -> None:
    for queue, number in QUEUED.items():
        assert before(watched, "rq_jobs", queue=queue, status="queued") == number
        assert 0 < before(watched, "rq_queue_oldest_job_age_seconds", queue=queue) < 60
        assert before(watched, "rq_queue_workers", queue=queue) == 0
    for queue in (ORDERS, PRIORITY):
        assert before(watched, "rq_jobs", queue=queue, status="scheduled") == 1
        assert before(watched, "rq_jobs", queue=queue, status="deferred") == 1


def test_jobs_in_every_state_are_reported(watched: Watched) -> None:
    states = {"queued": 0, "finished": 4, "failed": 4, "scheduled": 1, "deferred": 1, "started": 0}
    for queue in (ORDERS, PRIORITY):
        for status, number in states.items():
            assert watched.value("rq_jobs", queue=queue, status=status) == number, (queue, status)
    assert watched.value("rq_jobs", queue=MAIL, status="finished") == 20
    assert watched.value("rq_jobs", queue=NUMBERS, status="finished") == 5
    assert watched.value("rq_jobs", queue=NUMBERS, status="failed") == 1
    for queue in QUEUED:
        assert watched.value("rq_queue_oldest_job_age_seconds", queue=queue) == 0


def test_workers_are_reported_and_which_of_them_count_their_jobs(watched: Watched) -> None:
    workers = {ORDERS: 2, PRIORITY: 1, MAIL: 2, NUMBERS: 2, PACKING: 1}
    monitored = {ORDERS: 0, PRIORITY: 1, MAIL: 2, NUMBERS: 2, PACKING: 0}
    for queue in QUEUED:
        assert watched.value("rq_queue_workers", queue=queue) == workers[queue]
        assert watched.value("rq_queue_monitored_workers", queue=queue) == monitored[queue]


def test_shows_the_running_job_with_its_worker(watched: Watched) -> None:
    running = [key for key in samples(watched.exporter) if key[0] == "rq_worker_job_running_seconds"]

    assert len(running) == 1
    assert ("queue", PACKING) in running[0]


@pytest.mark.parametrize(
    ("queue", "function", "outcome", "number"),
    [
        (PRIORITY, "shop.tasks.ship", "success", 4),
        (PRIORITY, "shop.tasks.charge", "failed", 4),
        (PRIORITY, "shop.tasks.charge", "retried", 1),
        (MAIL, "shop.tasks.send", "success", 20),
        (NUMBERS, "shop.tasks.add", "success", 5),
        (NUMBERS, "shop.tasks.divide", "failed", 1),
    ],
)
def test_monitored_workers_add_durations_by_function_and_outcome(
    watched: Watched, queue: str, function: str, outcome: str, number: int
) -> None:
    labels = {"queue": queue, "function": function, "outcome": outcome}

    assert watched.value("rq_jobs_processed_total", **labels) == number
    assert watched.value("rq_job_duration_seconds_count", **labels) == number
    assert watched.value("rq_job_duration_seconds_bucket", **labels, le="+Inf") == number


def test_monitored_workers_add_waits_and_failures_by_exception(watched: Watched) -> None:
    declined = {"queue": PRIORITY, "function": "shop.tasks.charge", "exception": "PaymentDeclinedError"}
    divided = {"queue": NUMBERS, "function": "shop.tasks.divide", "exception": "ZeroDivisionError"}

    assert watched.value("rq_job_failures_total", **declined) == 5
    assert watched.value("rq_job_failures_total", **divided) == 1
    assert watched.value("rq_job_wait_seconds_count", queue=MAIL) == 20


def test_exemplars_name_jobs_of_both_serializers(watched: Watched) -> None:
    text = watched.exporter.get(Accept="application/openmetrics-text;version=1.0.0").body.decode()
    lines = [line for line in text.splitlines() if f'queue="{NUMBERS}"' in line and " # {job_id=" in line]

    divided = [line for line in lines if "shop.tasks.divide" in line]
    (job_id,) = {match for line in divided for match in re.findall(r'job_id="([^"]+)"', line)}
    assert watched.redis.hget(f"rq:job:{job_id}", "status") == b"failed"


def test_plain_workers_add_no_durations(watched: Watched) -> None:
    counted = [key for key in samples(watched.exporter) if key[0] == "rq_jobs_processed_total"]

    assert counted
    assert not [key for key in counted if ("queue", ORDERS) in key]


def test_the_exporter_counts_no_read_errors(watched: Watched) -> None:
    scrape = samples(watched.exporter)

    assert {key: value for key, value in scrape.items() if "errors_total" in key[0] and value} == {}
    assert watched.value("rq_redis_up") == 1


def test_the_exporter_writes_nothing_and_sends_no_forbidden_command(watched: Watched) -> None:
    watched.application.freeze()
    digest = digest_of(watched.redis)

    for _ in range(5):
        assert watched.value("rq_redis_up") == 1

    assert digest_of(watched.redis) == digest
    assert watched.redis.acl_log() == []


def test_the_exporter_needs_exactly_the_rights_on_the_page(watched: Watched) -> None:
    """Except those of redis-exporter, and those that open a connection."""
    begin = {"ping", "client|setname", "client|setinfo", "hello", "select"}
    listed = {rule[1:] for rule in rules() if rule.startswith("+")} - begin - {"info"}
    Queue("has no worker", connection=watched.redis).enqueue("shop.tasks.send", "ann@example.org")
    watched.redis.config_resetstat()
    watched.value("rq_redis_up")
    used = {name.removeprefix("cmdstat_") for name in watched.redis.info("commandstats")}

    rare = {"lindex": "a long queue", "zmscore": "a cron job", "hstrlen": "a job past its objective"}
    assert listed - used <= rare.keys(), rare
    assert used - begin - {"config|resetstat", "info"} <= listed


def digest_of(redis: Any) -> dict[bytes, str]:
    return {key: hashlib.sha256(redis.dump(key)).hexdigest() for key in redis.scan_iter()}
