"""With 5,000 failed jobs each command to Redis is small: no client waits, and nothing is loaded whole."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from proofs.harness.failed_jobs import fail_jobs
from rq_mon.jobs.purge import JOBS_PER_BATCH
from rq_mon.state.failed_jobs import JOBS_PER_PAGE
from rq_mon.state.listed_jobs import IDS_AT_ONCE
from tests.rq_mon.cli.conftest import Rqmon

JOBS = 5_000
THE_END = "the end"
MOST_WORDS = 2 * JOBS_PER_PAGE + 20
"""The id and the failure of each job on a page."""

ON_CONNECTING = {"CLIENT", "HELLO", "PING", "SELECT", "SCRIPT"}
READS = {"TIME", "SMEMBERS", "ZCARD", "ZSCAN", "HMGET", "HGET", "HSTRLEN", "MEMORY", "XREVRANGE"}

pytestmark = pytest.mark.e2e(seconds=8)


def commands_during(client: Redis, action: Callable[[], object]) -> dict[str, list[list[str]]]:
    """The commands sent to Redis, by name, as lists of words, without those inside scripts."""
    seen: dict[str, list[list[str]]] = defaultdict(list)

    def listen(monitor: Any) -> None:
        for command in monitor.listen():
            words = command["command"].split()
            if command["command"].endswith(THE_END):
                return
            if command["client_type"] != "lua":
                seen[words[0]].append(words)

    with client.monitor() as monitor:  # type: ignore[no-untyped-call]
        listener = threading.Thread(target=listen, args=(monitor,))
        listener.start()
        action()
        client.echo(THE_END)
        listener.join()
    return {name: sent for name, sent in seen.items() if name not in ON_CONNECTING}


@pytest.fixture
def ids(redis_client: Redis) -> list[str]:
    return fail_jobs(redis_client, jobs=JOBS)


def test_failed_reads_registries_in_pages(rqmon: Rqmon, redis_client: Redis, ids: list[str]) -> None:
    sent = commands_during(redis_client, lambda: rqmon("failed"))

    assert sent.keys() == READS
    assert [words[1] for words in sent["SMEMBERS"]] == ["rq:queues"] * len(sent["SMEMBERS"])
    assert all(words[-2:] == ["COUNT", str(JOBS_PER_PAGE)] for words in sent["ZSCAN"])
    assert all(words[-2:] == ["COUNT", "1"] for words in sent["XREVRANGE"])
    assert len(sent["HMGET"]) == len(sent["XREVRANGE"]) == JOBS
    assert max(len(words) for of_name in sent.values() for words in of_name if words[0] != "HMGET") < 10


@pytest.mark.parametrize("search", [("--search", "no such text"), ("--exception", "NoSuchError")])
def test_a_search_reads_in_pages(
    rqmon: Rqmon, redis_client: Redis, ids: list[str], search: tuple[str, ...]
) -> None:
    sent = commands_during(redis_client, lambda: rqmon("jobs", "mail", "--state", "failed", *search))

    assert len(sent["XREVRANGE"]) == len(sent["HMGET"]) == JOBS
    spans = [int(words[3]) - int(words[2]) + 1 for words in sent["ZREVRANGE"]]
    assert {*spans} == {IDS_AT_ONCE}
    assert max(len(words) for of_name in sent.values() for words in of_name if words[0] != "HMGET") < 10


def test_listing_one_page_reads_only_its_jobs(rqmon: Rqmon, redis_client: Redis, ids: list[str]) -> None:
    sent = commands_during(redis_client, lambda: rqmon("jobs", "mail", "--state", "failed", "--limit", "7"))

    assert len(sent["XREVRANGE"]) == len(sent["HMGET"]) == 7


def test_showing_one_job_reads_only_that_job(rqmon: Rqmon, redis_client: Redis, ids: list[str]) -> None:
    sent = commands_during(redis_client, lambda: rqmon("job", ids[7], "--arguments"))

    assert sum(map(len, sent.values())) < 40


@pytest.mark.parametrize("command", ["requeue", "delete"])
def test_changes_are_made_in_pages(rqmon: Rqmon, redis_client: Redis, ids: list[str], command: str) -> None:
    sent = commands_during(redis_client, lambda: rqmon(command, "--all", "--yes"))

    assert sent.keys() == READS | {"EVALSHA"}
    assert max(len(words) for words in sent["EVALSHA"]) <= MOST_WORDS
    assert len(sent["EVALSHA"]) >= JOBS / JOBS_PER_PAGE
    assert redis_client.zcard("rq:failed:mail") == 0


def test_a_purge_deletes_in_batches(rqmon: Rqmon, redis_client: Redis, ids: list[str]) -> None:
    sent = commands_during(redis_client, lambda: rqmon("purge", "mail", "failed", "--yes"))

    assert len(sent["EVALSHA"]) <= JOBS / JOBS_PER_BATCH + 1  # the first call may have to load a script
    assert {words[4] for words in sent["EVALSHA"]} == {str(JOBS_PER_BATCH)}
    assert redis_client.zcard("rq:failed:mail") == 0


@pytest.mark.parametrize("command", [("status",), ("health",), ("cron", "list")])
def test_commands_that_show_no_jobs_read_none(
    rqmon: Rqmon, redis_client: Redis, ids: list[str], command: tuple[str, ...]
) -> None:
    sent = commands_during(redis_client, lambda: rqmon(*command))

    assert sum(map(len, sent.values())) < 40
