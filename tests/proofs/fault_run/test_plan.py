"""The seed determines the jobs, the faults and their times."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from proofs.fault_run.kinds import KINDS, specs
from proofs.fault_run.plan import SHORT, Size, plan


def test_the_same_seed_gives_the_same_jobs_and_faults() -> None:
    assert plan(Size(), 7) == plan(Size(), 7)
    assert list(specs(500, 7)) == list(specs(500, 7))


def test_another_seed_gives_other_jobs_and_faults() -> None:
    assert plan(Size(), 7) != plan(Size(), 8)
    assert list(specs(500, 7)) != list(specs(500, 8))


def test_a_plan_has_the_requested_number_of_faults() -> None:
    size = Size()

    count = Counter(fault.name for fault in plan(size, 1))

    assert count == {
        "kill": size.worker_kills,
        "kill cron scheduler": size.cron_kills,
        "crash Redis": size.redis_crashes,
        "cut Redis' power": size.power_cuts,
        "freeze Redis": size.redis_freezes,
        "fill Redis' disk": size.disk_full,
        "freeze worker": size.worker_freezes,
        "jump clock": size.clock_jumps,
        "freeze Redis for longer than any lease": 1,
        "take the right to scripts": 1,
        "take the right to keys": 1,
        "lose registrations": size.lost_registrations,
        "thaw older list": size.older_cron_lists,
    }


def test_faults_are_in_the_order_of_their_times_and_occur_while_jobs_run() -> None:
    for size in (Size(), SHORT):
        times = [fault.at for fault in plan(size, 1)]

        assert times == sorted(times)
        assert 0 < times[0] < times[-1] < size.seconds


def test_faults_of_redis_do_not_overlap() -> None:
    for seed in range(20):
        faults = [fault for fault in plan(Size(), seed) if "Redis" in fault.name or "right" in fault.name]
        faults = [fault for fault in faults if "lease" not in fault.name]  # no other fault occurs meanwhile

        assert all(one.at + one.lasts < other.at for one, other in pairwise(faults))


def test_the_long_freeze_of_redis_outlasts_the_leases_of_workers_and_jobs() -> None:
    size = Size(worker_ttl=100, job_monitoring_interval=7)

    lasts = [fault.lasts for fault in plan(size, 1) if fault.name == "freeze Redis for longer than any lease"]

    assert size.abandoned_after == 21
    assert [seconds > 160 for seconds in lasts] == [True]


def test_the_shares_of_the_kinds_add_up_to_100_percent_and_each_kind_occurs() -> None:
    assert sum(kind.share for kind in KINDS) == 100
    assert {spec.kind.name for spec in specs(2000, 1)} == {kind.name for kind in KINDS}
