from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

import pytest
from rq import Queue, Retry
from rq.job import Job

from proofs.harness.redis_server import RedisServer
from rq_mon import catalogue
from rq_mon.connection.client import connect
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TICKS_PER_TRANSACTION, UNREADABLE_RETRY_SECONDS, TickClaims
from scheduler import DataHubScheduler
from tests.rq_mon.cron.cron import NOON, cron_job, make_due, register_list, state, tick_counts

MINUTE, HOUR = 60, 3600


@pytest.fixture
def claims(redis_client: Any) -> TickClaims:
    return TickClaims(redis_client, grace=HOUR)


def queued(redis_client: Any) -> list[str]:
    return Queue("queue", connection=redis_client).job_ids


def test_a_tick_becomes_a_job_with_the_tick_in_its_id(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job(description="leaves a trace"))
    make_due(redis_client, "mine", NOON)

    (job,) = claims.claim(NOON + 0.5)

    stored = Job.fetch(f"mine-{NOON}", redis_client)
    assert stored == job
    assert stored.meta == {"cron_job": "mine", "tick": NOON}
    assert (stored.timeout, stored.description, stored.origin) == (60, "leaves a trace", "queue")
    assert state(redis_client)["next"] == {b"mine": NOON + MINUTE}
    assert state(redis_client)["last"] == {b"mine": str(NOON).encode()}
    assert tick_counts(redis_client) == {"enqueued": 1, "coalesced": 0, "missed": 0, "failed": 0}


def test_a_worker_calls_the_function_with_its_arguments(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job("* * * * *", {"some": "value"}))
    make_due(redis_client, "mine", NOON)
    claims.claim(NOON)

    with DataHubScheduler("burst-no-fork") as scheduler:
        scheduler.work("queue")

    assert redis_client.lrange("trace", 0, -1) == [b"{'some': 'value'}"]


def test_retries_apply_to_each_tick(registry: CronRegistry, claims: TickClaims, redis_client: Any) -> None:
    registry.register(cron_job(retry=Retry(2, [30, 60])))
    registry.register(cron_job(cron_job_id="once"))
    make_due(redis_client, "mine", NOON)
    make_due(redis_client, "once", NOON)

    jobs = {job.meta["cron_job"]: job for job in claims.claim(NOON)}

    assert (jobs["mine"].retries_left, jobs["mine"].retry_intervals) == (2, [30, 60])
    assert jobs["once"].retries_left is None


def test_no_tick_is_claimed_before_it_is_due(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON)

    assert claims.claim(NOON - 0.01) == []
    assert claims.next_tick() == NOON
    assert queued(redis_client) == []


def test_after_an_outage_one_job_runs_for_all_ticks_within_grace(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON - 90 * MINUTE)

    claims.claim(NOON + 1)

    assert queued(redis_client) == [f"mine-{NOON}"]
    assert tick_counts(redis_client) == {"enqueued": 1, "coalesced": 59, "missed": 31, "failed": 0}


def test_missed_ticks_are_logged(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    registry.register(cron_job("0 12 * * *"))
    make_due(redis_client, "mine", NOON)

    assert claims.claim(NOON + 2 * HOUR) == []
    assert tick_counts(redis_client) == {"enqueued": 0, "coalesced": 0, "missed": 1, "failed": 0}
    (record,) = caplog.records
    assert record.getMessage() == "missed cron_job=mine ticks=1"
    reported = {name: getattr(record, name) for name in ("cron_job", "queue", "function")}
    assert reported == {"cron_job": "mine", "queue": "queue", "function": "tests.harness.jobs.record"}


def test_a_cron_job_cancelled_meanwhile_is_not_enqueued(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON)
    redis_client.hdel(catalogue.CRON_JOBS_KEY, "mine")

    assert claims.claim(NOON) == []
    assert claims.next_tick() is None


def test_a_clock_that_goes_back_runs_no_tick_again(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON)
    claims.claim(NOON)

    for now in (NOON - HOUR, NOON - MINUTE, NOON, NOON + MINUTE):
        claims.claim(now)

    assert queued(redis_client) == [f"mine-{NOON}", f"mine-{NOON + MINUTE}"]


def test_next_ticks_from_a_backup_run_no_tick_again(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON)
    backup = redis_client.dump(catalogue.CRON_NEXT_TICKS_KEY)
    assert backup is not None
    claims.claim(NOON)
    claims.claim(NOON + MINUTE)

    redis_client.restore(catalogue.CRON_NEXT_TICKS_KEY, 0, backup, replace=True)
    for _ in range(3):
        claims.claim(NOON + MINUTE)

    assert queued(redis_client) == [f"mine-{NOON}", f"mine-{NOON + MINUTE}"]
    assert tick_counts(redis_client)["enqueued"] == 2
    assert claims.next_tick() == NOON + 2 * MINUTE


def test_a_tick_whose_job_exists_is_not_enqueued_again(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON)
    claims.claim(NOON)

    redis_client.delete(catalogue.CRON_LAST_TICKS_KEY)
    make_due(redis_client, "mine", NOON)
    claims.claim(NOON)

    assert queued(redis_client) == [f"mine-{NOON}"]
    assert tick_counts(redis_client)["enqueued"] == 1
    assert claims.next_tick() == NOON + MINUTE


def foreign(**fields: object) -> str:
    """A definition as another version might write it."""
    return json.dumps(json.loads(cron_job().to_json()) | fields)


@pytest.mark.parametrize(
    "definition",
    [
        *("", "{", "null", '{"version": 9}'),
        foreign(schedule="no cron"),
        foreign(timezone="Mars/Olympus"),
        foreign(max_retries=-1),
        foreign(max_retries=float("inf")),
        foreign(max_retries=1, retry_intervals=["x"]),
        foreign(description="\ud800"),
    ],
)
def test_an_unreadable_definition_is_kept_and_other_cron_jobs_run(
    registry: CronRegistry,
    claims: TickClaims,
    redis_client: Any,
    caplog: pytest.LogCaptureFixture,
    definition: str,
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", NOON)
    redis_client.hset(catalogue.CRON_JOBS_KEY, "broken", definition)
    make_due(redis_client, "broken", NOON - MINUTE)

    claims.claim(NOON)
    claims.claim(NOON + UNREADABLE_RETRY_SECONDS)

    assert queued(redis_client) == [f"mine-{NOON}", f"mine-{NOON + MINUTE}"]
    assert redis_client.hget(catalogue.CRON_JOBS_KEY, "broken") == definition.encode()
    assert tick_counts(redis_client, "broken") == {"failed": 2}
    assert caplog.text.count("cron_job=broken") == 1


def test_a_repaired_definition_runs_again(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    redis_client.hset(catalogue.CRON_JOBS_KEY, "mine", "{")
    make_due(redis_client, "mine", NOON)
    claims.claim(NOON)

    redis_client.hset(catalogue.CRON_JOBS_KEY, "mine", cron_job().to_json())
    claims.claim(NOON + UNREADABLE_RETRY_SECONDS)

    assert queued(redis_client) == [f"mine-{NOON + UNREADABLE_RETRY_SECONDS}"]


def test_a_missing_function_fails_in_the_worker(claims: TickClaims, redis_client: Any) -> None:
    """A cron scheduler may lack the application's code, so it cannot know; a worker does."""
    gone = foreign(function="gone.job", call="gAWVEwAAAAAAAAAojAhnb25lLmpvYpROKX2UdJQu")
    redis_client.hset(catalogue.CRON_JOBS_KEY, "gone", gone)
    make_due(redis_client, "gone", NOON)
    claims.claim(NOON)

    with DataHubScheduler("burst-no-fork") as scheduler:
        scheduler.work("queue")
        assert scheduler.failed_count("queue") == 1


def test_a_schedule_that_has_ended_is_not_due_again(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    registry.register(cron_job("0 12 1 6 * 0 2025", now=NOON - 1))
    make_due(redis_client, "mine", NOON)

    claims.claim(NOON)

    assert queued(redis_client) == [f"mine-{NOON}"]
    assert claims.next_tick() is None


def test_a_transaction_claims_no_more_ticks_than_its_limit(
    registry: CronRegistry, claims: TickClaims, redis_client: Any
) -> None:
    due = TICKS_PER_TRANSACTION + 10
    register_list(redis_client, *(cron_job(cron_job_id=f"job-{number}") for number in range(due)))
    for number in range(due):
        make_due(redis_client, f"job-{number}", NOON)

    assert len(claims.claim(NOON)) == TICKS_PER_TRANSACTION
    assert len(claims.claim(NOON)) == 10
    assert claims.claim(NOON) == []


def test_schedulers_that_claim_the_same_ticks_get_each_tick_once(
    registry: CronRegistry, redis_client: Any, redis_server: RedisServer
) -> None:
    cron_jobs, schedulers, minutes = 50, 8, 5
    register_list(redis_client, *(cron_job(cron_job_id=f"job-{number}") for number in range(cron_jobs)))
    for number in range(cron_jobs):
        make_due(redis_client, f"job-{number}", NOON)
    start = threading.Barrier(schedulers)

    def race() -> None:
        with connect(redis_server.url) as connection:
            claims = TickClaims(connection, grace=HOUR)
            for minute in range(minutes):
                start.wait()
                while (tick := claims.next_tick()) is not None and tick <= NOON + minute * MINUTE:
                    claims.claim(NOON + minute * MINUTE)

    threads = [threading.Thread(target=race) for _ in range(schedulers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = {
        f"job-{number}-{NOON + minute * MINUTE}" for number in range(cron_jobs) for minute in range(minutes)
    }
    assert Counter(queued(redis_client)) == Counter(expected)
    assert tick_counts(redis_client, "job-0") == {
        "enqueued": minutes,
        "coalesced": 0,
        "missed": 0,
        "failed": 0,
    }
