"""A key with a foreign type or content ends no command."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq import SimpleWorker

from proofs.harness.failed_jobs import fail_jobs
from tests.rq_mon.cli.conftest import Rqmon


@pytest.fixture
def ids(redis_client: Redis) -> list[str]:
    """Two failed jobs of one queue and one of another."""
    return [*fail_jobs(redis_client, jobs=2), *fail_jobs(redis_client, queue="reports")]


def make_foreign(client: Redis, key: str) -> None:
    client.delete(key)
    if key.startswith(("rq:job", "rq:results", "rq:failed")):
        client.lpush(key, "foreign")
    else:
        client.hset(key, "foreign", "1")


@pytest.mark.parametrize("key", ["rq:job:{}", "rq:results:{}", "rq:failed:mail"])
@pytest.mark.parametrize("options", [(), ("--traceback", "--arguments")])
def test_failed_shows_the_jobs_behind_the_other_keys(
    rqmon: Rqmon, redis_client: Redis, ids: list[str], key: str, options: tuple[str, ...]
) -> None:
    make_foreign(redis_client, key.format(ids[0]))

    result = rqmon("failed", *options, "--json")

    assert result.code == 0
    assert sum(group["jobs"] for group in result.json) == (1 if key == "rq:failed:mail" else 3)


def test_ids_of_foreign_keys_do_not_count_as_failed_jobs(
    rqmon: Rqmon, redis_client: Redis, ids: list[str]
) -> None:
    make_foreign(redis_client, f"rq:job:{ids[0]}")
    assert [group["jobs"] for group in rqmon("failed", *ids, "--json").json] == [1, 1]


KEYS = [
    *("rq:queues", "rq:workers", "rq:worker:w", "rq:queue:mail", "rq:suspended"),
    *(f"rq:{name}:mail" for name in ("wip", "finished", "failed", "deferred", "scheduled", "canceled")),
    *(f"rq:monitor:cron:{name}" for name in ("jobs", "next", "last", "ticks", "paused", "schedulers")),
    *(
        "rq:monitor:queues",
        "rq:monitor:errors",
        "rq:monitor:changes",
        "rq:monitor:functions:mail",
        "rq:monitor:running:mail",
    ),
]


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize("key", KEYS)
def test_each_command_works_despite_a_foreign_key(rqmon: Rqmon, redis_client: Redis, key: str) -> None:
    SimpleWorker(["mail"], connection=redis_client, name="w").register_birth()  # type: ignore[no-untyped-call]
    redis_client.delete(key)
    redis_client.set(key, "foreign")

    for command in (
        "status",
        "health",
        "failed",
        "cron list",
        "purge mail failed --yes",
        "delete --all --yes",
    ):
        assert rqmon(*command.split()).code in (0, 1), command
    assert redis_client.get(key) == b"foreign"


def test_a_registry_with_a_foreign_type_is_not_purged(
    rqmon: Rqmon, redis_client: Redis, ids: list[str]
) -> None:
    make_foreign(redis_client, "rq:failed:mail")
    result = rqmon("purge", "mail", "failed", "--yes")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "the Redis key of its failed jobs has the wrong type" in result.err


@pytest.mark.parametrize("key", ["rq:queue:mail", "rq:failed:mail", "rq:job:{}", "rq:results:{}"])
def test_requeue_requeues_the_jobs_behind_the_other_keys(
    rqmon: Rqmon, redis_client: Redis, ids: list[str], key: str
) -> None:
    make_foreign(redis_client, key.format(ids[0]))
    dump: Any = redis_client.dump(f"rq:job:{ids[1]}")

    result = rqmon("requeue", "--all", "--yes", "--json")

    requeued = {"rq:queue:mail": 1, "rq:failed:mail": 1, "rq:job:{}": 2, "rq:results:{}": 3}[key]
    assert result.json["requeued"] == requeued
    assert redis_client.llen("rq:queue:reports") == 1
    if key == "rq:queue:mail":
        assert result.json["blocked"] == 2
        assert redis_client.zcard("rq:failed:mail") == 2
        assert redis_client.dump(f"rq:job:{ids[1]}") == dump


def test_delete_removes_a_job_whose_group_is_a_foreign_key(
    rqmon: Rqmon, redis_client: Redis, ids: list[str]
) -> None:
    redis_client.hset(f"rq:job:{ids[0]}", "group_id", "batch")
    make_foreign(redis_client, "rq:group:batch")

    assert rqmon("delete", "--all", "--yes", "--json").json["deleted"] == 3
    assert not redis_client.exists(f"rq:job:{ids[0]}")


@pytest.mark.parametrize("ttl", ["60.5", "inf", "nan", "1e300", "garbage", "-1"])
def test_a_job_with_an_invalid_ttl_is_requeued_whole(
    rqmon: Rqmon, redis_client: Redis, ids: list[str], ttl: str
) -> None:
    redis_client.hset(f"rq:job:{ids[0]}", "ttl", ttl)

    assert rqmon("requeue", "--all", "--yes", "--json").json["requeued"] == 3

    assert redis_client.zcard("rq:failed:mail") == 0
    assert redis_client.ttl(f"rq:job:{ids[0]}") == (61 if ttl == "60.5" else -1)
