"""`rqmon cron`: cron jobs, run now, paused and cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis
from rq import Queue
from rq.job import JobStatus

from rq_mon.catalogue import CRON_JOBS_KEY, CRON_OWNERS_KEY
from rq_mon.cron.definition import CronJob, define
from rq_mon.cron.registry import CronRegistry
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon
from tests.rq_mon.cron.cron import register_list


def cron_job(cron_job_id: str) -> CronJob:
    return define(
        jobs.succeed,
        "*/5 * * * *",
        queue_name="mail",
        timezone=ZoneInfo("UTC"),
        now=time.time(),
        timeout=120,
        cron_job_id=cron_job_id,
    )


@pytest.fixture
def registry(redis_client: Redis) -> CronRegistry:
    registry = CronRegistry(redis_client)
    for cron_job_id in ("nightly", "weekly-mail", "weekly-report"):
        registry.register(cron_job(cron_job_id))
    return registry


def listed(rqmon: Rqmon) -> dict[str, Any]:
    return {each["id"]: each for each in rqmon("cron", "list", "--json").json}


def test_lists_cron_jobs(rqmon: Rqmon, registry: CronRegistry) -> None:
    found = listed(rqmon)

    assert list(found) == ["nightly", "weekly-mail", "weekly-report"]
    assert found["nightly"]["function"] == "tests.rq_mon.cli.jobs.succeed"
    assert found["nightly"]["ticks"] == {"enqueued": 0, "coalesced": 0, "missed": 0, "failed": 0}
    assert "*/5 * * * *" in rqmon("cron", "list").out


def test_shows_who_registered_each(rqmon: Rqmon, registry: CronRegistry, redis_client: Redis) -> None:
    register_list(redis_client, cron_job("nightly"), cron_job("listed"), name="shop")
    register_list(redis_client, cron_job("nightly"), name="billing")
    registry.register(cron_job("old"))
    redis_client.hdel(CRON_OWNERS_KEY, "old")

    found = {each: facts["registered_by"] for each, facts in listed(rqmon).items()}

    assert found == {
        "nightly": ["billing", "shop", "run time"],
        "listed": ["shop"],
        "weekly-mail": ["run time"],
        "weekly-report": ["run time"],
        "old": [],
    }
    assert "billing, shop, run time" in rqmon("cron", "list").out


def test_exits_with_1_without_cron_jobs(rqmon: Rqmon) -> None:
    assert rqmon("cron", "list").code == 1


def test_runs_the_cron_job_whose_id_begins_with_the_text_now(
    rqmon: Rqmon, registry: CronRegistry, queue: Queue, work: Callable[..., None]
) -> None:
    before = listed(rqmon)

    job_id = rqmon("cron", "run", "night", "--yes", "--json").json["job_id"]

    work()
    job = queue.fetch_job(job_id)
    assert job is not None
    assert job.get_status() == JobStatus.FINISHED
    assert listed(rqmon) == before


def test_a_paused_cron_job_stays_so_when_a_cron_scheduler_registers_its_list(
    rqmon: Rqmon, registry: CronRegistry, redis_client: Redis
) -> None:
    assert rqmon("cron", "pause", "nightly", "--yes").out == "paused: nightly\n"
    register_list(redis_client, cron_job("nightly"))

    assert listed(rqmon)["nightly"]["paused"]
    assert listed(rqmon)["nightly"]["next_tick"] is None
    assert "paused" in rqmon("cron", "list").out

    assert rqmon("cron", "resume", "nightly", "--yes").code == 0
    assert listed(rqmon)["nightly"]["next_tick"] is not None
    assert rqmon("cron", "resume", "nightly", "--yes").out == "nightly: nothing to do\n"


def test_cancels_after_asking(rqmon: Rqmon, at_a_terminal: Rqmon, registry: CronRegistry) -> None:
    assert rqmon("cron", "cancel", "nightly").code == 2
    assert at_a_terminal("cron", "cancel", "nightly", answer="n\n").code == 1
    assert "nightly" in listed(rqmon)

    assert rqmon("cron", "cancel", "nightly", "--yes").code == 0
    assert "nightly" not in listed(rqmon)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("week", "only one of these: weekly-mail, weekly-report"), ("x", "one of these: nightly")],
)
@pytest.mark.parametrize("command", ["run", "pause", "resume", "cancel"])
def test_a_text_that_matches_none_or_several_cron_jobs_is_an_error(
    rqmon: Rqmon, registry: CronRegistry, command: str, name: str, expected: str
) -> None:
    result = rqmon("cron", command, name)

    assert result.code == 1
    assert expected in result.err
    assert f"got {name!r}" in result.err


def test_reports_an_unreadable_definition(rqmon: Rqmon, registry: CronRegistry, redis_client: Redis) -> None:
    registry.pause("nightly")
    redis_client.hset(CRON_JOBS_KEY, "nightly", "\x1b[31m{")

    for command in ("run", "resume"):
        result = rqmon("cron", command, "nightly", "--yes")
        assert result.code == 1
        assert "cannot read its definition" in result.err
        assert "\x1b" not in result.err
