"""Scans and changes that take longer than a request continue in the next one."""

from __future__ import annotations

import pytest
from redis import Redis

from proofs.harness.many_jobs import fail_many
from rq_mon.state.failure_groups import FailureGroups
from rq_mon.state.failure_selection import Selection
from rq_mon.web import scans
from rq_mon.web.scans import MOST, ChangeRun, Scan, Shelf

JOBS = 700
SELECTION = Selection(queue="queue-0000")


@pytest.fixture
def failed(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """More failed jobs than a request reads; here its time is zero."""
    fail_many(redis_client, JOBS, 1)
    monkeypatch.setattr(scans, "CHANGING_SECONDS", 0.0)
    monkeypatch.setattr(scans, "READING_SECONDS", 0.0)
    return redis_client


def test_a_scan_finds_all_jobs_in_several_requests(failed: Redis) -> None:
    scan = Scan(SELECTION)
    scan.read_on(failed)

    assert 0 < scan.count == scan.looked_at < scan.total == JOBS
    while not scan.is_done:
        scan.read_on(failed)
    assert scan.count == scan.looked_at == JOBS


def test_a_change_reaches_each_job_in_several_requests(failed: Redis) -> None:
    run = ChangeRun.begin(failed, "delete", SELECTION)
    first = run.go_on(failed)

    assert 0 < first < JOBS
    assert failed.zcard("rq:failed:queue-0000") == JOBS - first
    while not run.is_done:
        run.go_on(failed)
    assert run.outcomes == {"done": JOBS}
    assert failed.zcard("rq:failed:queue-0000") == 0


def test_the_least_recently_used_scan_is_dropped() -> None:
    shelf: Shelf[Scan] = Shelf()
    kept = [Scan(SELECTION) for _ in range(MOST + 1)]
    for scan in kept[:MOST]:
        shelf.keep(scan)
    shelf.keep(kept[0])
    shelf.keep(kept[MOST])

    assert [shelf.find(scan.token) for scan in kept] == [kept[0], None, *kept[2:]]


def test_groups_have_a_limit_and_jobs_beyond_it_are_counted(failed: Redis) -> None:
    scan = Scan(SELECTION, groups=FailureGroups(3))
    while not scan.is_done:
        scan.read_on(failed)

    assert len(scan.groups.latest_first()) == 3
    assert scan.groups.without_group == JOBS - scan.groups.count > 0
    assert scan.count == JOBS
