"""Jobs of a queue by state: paged, searched, and continued from a cursor."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.command import send_stop_job_command
from rq.job import Job

from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.state.failure_pages import read_failures
from rq_mon.state.failure_selection import Selection
from rq_mon.state.job_lists import JOB_STATES, JobState
from rq_mon.state.listed_jobs import ListedJob, Search, read_jobs
from rq_mon.state.running_jobs import RunningJob, running_jobs_of
from tests.harness.workers import workers_now
from tests.rq_mon.state import failing, jobs
from tests.rq_mon.worker.processes import FORKING, RQ


def ids_of(page: list[ListedJob]) -> list[str]:
    return [job.id for job in page]


def all_pages(
    client: Redis, state: JobState, queue: str = "mail", **options: object
) -> list[list[ListedJob]]:
    pages, cursor = [], None
    while True:
        page = read_jobs(client, queue, state, cursor=cursor, **options)  # type: ignore[arg-type]
        pages.append([*page.jobs])
        cursor = page.next_cursor
        if cursor is None:
            return pages


@pytest.fixture
def work(redis_client: Redis) -> Callable[[], None]:
    def run() -> None:
        worker = SimpleWorker(["mail"], connection=redis_client)
        worker.work(burst=True, logging_level="CRITICAL")

    return run


@pytest.fixture
def one_of_each(redis_client: Redis, queue: Queue, work: Callable[[], None]) -> dict[JobState, Job]:
    done, failed, canceled = (queue.enqueue(each) for each in (jobs.succeed, failing.simple, jobs.succeed))
    canceled.cancel()
    work()
    queued = queue.enqueue(jobs.succeed)
    deferred = queue.enqueue(jobs.succeed, depends_on=queued)
    scheduled = queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    started = Queue("mail", connection=redis_client).enqueue(jobs.succeed)
    redis_client.lrem("rq:queue:mail", 1, started.id)
    redis_client.hset(started.key, "status", "started")
    redis_client.zadd("rq:wip:mail", {f"{started.id}:0123": time.time() + 90})
    stopped = queue.enqueue(jobs.succeed)
    redis_client.lrem("rq:queue:mail", 1, stopped.id)
    redis_client.hset(stopped.key, "status", "stopped")
    redis_client.zadd("rq:failed:mail", {stopped.id: time.time() + 1e6})
    held = queue.enqueue(jobs.succeed)
    redis_client.lrem("rq:queue:mail", 1, held.id)
    redis_client.hset(held.key, "status", "rate_limited")
    redis_client.sadd("rq:rl-keys", "api")
    redis_client.zadd("rq:rl:api:rate_limited", {held.id: 1, "of-another-queue": 2})
    redis_client.hset("rq:job:of-another-queue", mapping={"status": "rate_limited", "origin": "other"})
    return {
        "queued": queued,
        "started": started,
        "deferred": deferred,
        "scheduled": scheduled,
        "finished": done,
        "failed": failed,
        "stopped": stopped,
        "canceled": canceled,
        "rate_limited": held,
    }


def test_jobs_are_listed_by_state(redis_client: Redis, one_of_each: dict[JobState, Job]) -> None:
    assert {*one_of_each} == {*JOB_STATES}
    for state, job in one_of_each.items():
        (found,) = [each for each in read_jobs(redis_client, "mail", state).jobs if each.status == state]
        assert found.id == job.id
        assert found.function == job.func_name
        assert (found.due_at is not None) == (state == "scheduled")
    failed = {each.id: each.exception for each in read_jobs(redis_client, "mail", "failed").jobs}
    assert failed[one_of_each["failed"].id] == "ValueError"
    assert {*failed} == {one_of_each["failed"].id, one_of_each["stopped"].id}


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_contain_each_job_once_in_order(redis_client: Redis, queue: Queue, newest_first: bool) -> None:
    ids = [queue.enqueue(jobs.succeed).id for _ in range(7)]
    pages = all_pages(redis_client, "queued", limit=3, newest_first=newest_first)
    assert [len(page) for page in pages] == [3, 3, 1]
    found = [job.id for page in pages for job in page]
    assert found == (ids[::-1] if newest_first else ids)


def test_a_timeout_is_read_in_seconds(redis_client: Redis, queue: Queue) -> None:
    for timeout in ("3m", -1):
        queue.enqueue(jobs.succeed, job_timeout=timeout)

    found = read_jobs(redis_client, "mail", "queued", newest_first=False).jobs

    assert [job.timeout for job in found] == [180, None]


def test_pages_go_through_all_rate_limits(redis_client: Redis) -> None:
    held = {"api": ["first", "second"], "mails": ["third"]}
    for limit, ids in held.items():
        redis_client.sadd("rq:rl-keys", limit)
        for number, job_id in enumerate(ids):
            redis_client.zadd(f"rq:rl:{limit}:rate_limited", {job_id: number})
            redis_client.hset(f"rq:job:{job_id}", mapping={"status": "rate_limited", "origin": "mail"})

    pages = all_pages(redis_client, "rate_limited", limit=1, newest_first=False)

    assert [ids_of(page) for page in pages] == [["first"], ["second"], ["third"]]


@pytest.mark.parametrize("state", ["queued", "failed"])
@pytest.mark.parametrize("newest_first", [True, False])
def test_no_job_is_skipped_while_others_come_and_go(
    redis_client: Redis, queue: Queue, state: JobState, newest_first: bool
) -> None:
    if state == "queued":
        for _ in range(20):
            queue.enqueue(jobs.succeed)
    else:
        fail_jobs(redis_client, jobs=20)
    first = read_jobs(redis_client, "mail", state, limit=6, newest_first=newest_first)
    everything = ids_of(read_jobs(redis_client, "mail", state, newest_first=newest_first).jobs)  # type: ignore[arg-type]
    for gone in everything[1:4]:
        redis_client.lrem("rq:queue:mail", 1, gone)
        redis_client.zrem("rq:failed:mail", gone)
    rest = read_jobs(redis_client, "mail", state, cursor=first.next_cursor, newest_first=newest_first)
    assert ids_of([*first.jobs, *rest.jobs]) == everything


def test_found_jobs_meet_all_conditions_of_the_search(
    redis_client: Redis, queue: Queue, work: Callable[[], None]
) -> None:
    simple = queue.enqueue(failing.simple, description="charge the card of Ada")
    other = [queue.enqueue(failing.empty, job_id=f"order-{number}") for number in (1, 2)]
    third = queue.enqueue(failing.caused)
    work()

    def found(**search: str) -> set[str]:
        page = read_jobs(redis_client, "mail", "failed", search=Search(**search))
        assert (page.read, page.total, page.next_cursor) == (4, 4, None)
        return {*ids_of([*page.jobs])}

    assert found(id="order-") == {job.id for job in other}
    assert found(function="simple") == found(function="failing.simple") == {simple.id}
    assert found(function="imple") == set()
    assert found(exception="ConnectionError") == {third.id}
    assert found(text="CARD of ada") == {simple.id}
    assert found(text="no such order") == {simple.id}
    assert found(text="connectionerror") == {third.id}
    assert found(exception="ValueError", id="der-2") == {other[1].id}


def test_a_search_stops_after_its_time_and_can_be_continued(redis_client: Redis) -> None:
    ids = fail_jobs(redis_client, jobs=2000)
    last = read_jobs(redis_client, "mail", "failed", newest_first=False).jobs[0].id
    assert last in ids
    page, pages = read_jobs(redis_client, "mail", "failed", search=Search(text=last), seconds=0.01), 1
    assert 0 < page.read < 2000
    while not page.jobs:
        assert page.next_cursor is not None
        before = page.read
        page = read_jobs(
            redis_client, "mail", "failed", cursor=page.next_cursor, search=Search(text=last), seconds=0.01
        )
        assert page.read > before
        pages += 1
    assert ids_of([*page.jobs]) == [last]
    assert pages > 2


def test_expired_jobs_are_not_listed(redis_client: Redis, queue: Queue) -> None:
    ids = fail_jobs(redis_client, jobs=5)
    redis_client.zadd("rq:failed:mail", {ids[0]: time.time() - 5, ids[1]: time.time() - 9, ids[2]: -1})
    found = ids_of([*read_jobs(redis_client, "mail", "failed").jobs])
    assert {*found} == {*ids[2:]}
    assert read_failures(redis_client, ["mail"]).groups.count == 3


@pytest.mark.parametrize("state", JOB_STATES)
def test_foreign_keys_are_listed_as_empty(redis_client: Redis, state: JobState) -> None:
    for key in ("queue", "wip", "deferred", "scheduled", "finished", "failed", "canceled"):
        redis_client.set(f"rq:{key}:mail", "foreign")
    redis_client.set("rq:rl-keys", "foreign")
    page = read_jobs(redis_client, "mail", state)
    assert (page.jobs, page.total, page.next_cursor) == ([], 0, None)


@pytest.mark.parametrize("cursor", ["x", "{}", "WzFd", "ä", "W3sic" * 99, "WzEsMiwzXQ"])
def test_an_invalid_cursor_is_refused(redis_client: Redis, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor: expected one that a page gave, got"):
        read_jobs(redis_client, "mail", "queued", cursor=cursor)
    with pytest.raises(ValueError, match="cursor: expected one that a page gave, got"):
        read_failures(redis_client, ["mail"], cursor=cursor)


def test_pages_continue_after_names_that_are_not_utf_8(redis_client: Redis) -> None:
    name, raw = "m\udcff", b"m\xff"
    for number in range(3):
        redis_client.rpush(b"rq:queue:" + raw, b"\xfe%d" % number)  # type: ignore[arg-type]
    assert [len(page) for page in all_pages(redis_client, "queued", queue=name, limit=2)] == [2, 1]


def test_failures_are_grouped_part_by_part(redis_client: Redis) -> None:
    fail_jobs(redis_client, jobs=700)
    fail_jobs(redis_client, function="no.such.function", queue="other", jobs=400)
    whole = read_failures(redis_client, ["other", "mail"], seconds=60)
    assert [(each.newest.queue, each.count) for each in whole.groups.latest_first()] == [
        *(("other", 400), ("mail", 700))
    ]
    assert (whole.read, whole.total, whole.next_cursor) == (1100, 1100, None)

    counts, cursor, reads = [], None, []
    while True:
        page = read_failures(redis_client, ["mail", "other"], cursor=cursor, seconds=0)
        counts += [(each.newest.queue, each.count) for each in page.groups.latest_first()]
        reads.append(page.read)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sum(count for queue, count in counts if queue == "mail") == 700
    assert sum(count for queue, count in counts if queue == "other") == 400
    assert reads == sorted(set(reads)), "the page that reads the last job is the last"
    assert len(reads) > 5
    chosen = read_failures(redis_client, ["mail", "other"], selection=Selection(queue="mail"), seconds=60)
    assert chosen.groups.count == 700


def test_failures_that_are_kept_longest_are_grouped_first(redis_client: Redis) -> None:
    soon = fail_jobs(redis_client, function="no.such.function", jobs=10)
    redis_client.zadd("rq:failed:mail", {job_id: time.time() + 900 for job_id in soon})
    fail_jobs(redis_client, jobs=60)

    page = read_failures(redis_client, ["mail"], seconds=0)

    (group,) = page.groups.latest_first()
    assert (page.read, group.count) == (50, 50)
    assert group.newest.id not in soon


@pytest.mark.slow
def test_running_jobs_are_listed_with_function_and_worker(
    redis_server: RedisServer, redis_client: Redis, queue: Queue, tmp_path: Path
) -> None:
    def running_jobs() -> list[RunningJob]:
        return running_jobs_of(redis_client, workers_now(redis_client))

    job = queue.enqueue(jobs.sleep_until_exists, str(tmp_path / "end"), job_timeout=77)
    with RQ(redis_server.url, tmp_path / "log").start_worker("mail", worker_class=FORKING):
        wait_until(running_jobs, "the job to run")
        (found,) = running_jobs()
        assert (found.id, found.queue, found.function) == (job.id, "mail", job.func_name)
        assert found.timeout == 77
        assert found.since == pytest.approx(time.time(), abs=60)
        assert redis_client.sismember("rq:workers", f"rq:worker:{found.worker}")
        send_stop_job_command(redis_client, job.id)
        wait_until(lambda: read_jobs(redis_client, "mail", "stopped").jobs, "the job to stop")
    (stopped,) = read_jobs(redis_client, "mail", "stopped").jobs
    assert (stopped.id, stopped.exception) == (job.id, "stopped")
