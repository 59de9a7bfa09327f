"""The ledger finds damage: each test changes one thing in a run without damage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proofs.fault_run import jobs
from proofs.fault_run.application import Acknowledged
from proofs.fault_run.cron_scheduler import OLDER_ONLY, SCHEDULES
from proofs.fault_run.document import write_document
from proofs.fault_run.evidence import Evidence
from proofs.fault_run.final_state import GONE, FinalState
from proofs.fault_run.kinds import KINDS, Spec
from proofs.fault_run.ledger import ledger
from proofs.fault_run.plan import Size
from proofs.fault_run.recorded_ends import End
from proofs.fault_run.redis_server import Loss
from proofs.fault_run.replay import FaultReplay
from proofs.fault_run.side_file import Line
from proofs.table import markdown

SUCCESS, FAILING = KINDS[0], next(kind for kind in KINDS if kind.function is jobs.fail)
CALLING_BACK = next(kind for kind in KINDS if kind.function is jobs.succeed and kind.callback)
SUCCEEDED = End(SUCCESS.queue, SUCCESS.path, "success")
FAILED = End(FAILING.queue, FAILING.path, "failed")
TICKED = End("short-running", "proofs.fault_run.jobs.tick", "success")
TICK = "each-second-100"
POWER_CUT, LONG_AFTER = 50.0, 500.0


@pytest.fixture
def evidence() -> Evidence:
    """Two jobs and a tick: one job succeeded, one failed as it should."""
    specs = {"good": Spec("good", SUCCESS, (), None), "bad": Spec("bad", FAILING, (), None)}
    replay = FaultReplay({"good": SUCCEEDED.function}, {"good": SUCCEEDED.queue})
    replay.ends.update({SUCCEEDED: 1, FAILED: 1, TICKED: 1})
    replay.successes.update(["good", TICK])
    replay.claims.update([TICK])
    replay.due.update(
        {"each-second": [100.0, 101.0], "each-five-seconds": [100.0], "each-ten-seconds": [100.0]}
    )
    return Evidence(
        date=datetime.now(UTC),
        size=Size(jobs=2, worker_kills=1),
        seed=1,
        fsync="everysec",
        known=Acknowledged(specs=specs, at={"good": 10.0, "bad": 11.0}),
        lines={
            "good": [Line(10, 1, "begin", "good"), Line(10, 1, "success", "good")],
            "bad": [Line(11, 2, "begin", "bad"), Line(11, 2, "failed", "bad")],
        },
        replay=replay,
        states={"good": FinalState("finished"), "bad": FinalState("failed", "ValueError")},
        exported=Counter({SUCCEEDED: 1, FAILED: 1, TICKED: 1}),
        in_prometheus=Counter({SUCCEEDED: 1, FAILED: 1, TICKED: 1}),
        increase=3.0,
        stock_increase=2.0,
        ticks=Counter({("each-second", "enqueued"): 1}),
        killed=Counter({"worker": 1}),
        done=Counter(),
        hanging=[],
        hit=set(),
        events=[],
        vanished=[],
        outages=[(POWER_CUT, POWER_CUT + 1)],
        refused=[],
        left_out={},
        losses=[Loss(POWER_CUT - 1.1, POWER_CUT)],
        write_errors=Counter(),
        cron_jobs=sorted([*SCHEDULES, "of-an-application"]),
        forgotten=0,
        unregistered=[],
        rq="2.12.0",
    )


def missed(evidence: Evidence) -> list[str]:
    return [row.name for row in ledger(evidence) if row.verdict == "missed"]


def test_a_run_without_damage_has_no_false_statement(evidence: Evidence) -> None:
    assert missed(evidence) == []


def gone(evidence: Evidence) -> None:
    evidence.states = {**evidence.states, "good": FinalState(GONE)}
    evidence.exported[SUCCEEDED] = evidence.replay.ends[SUCCEEDED] = 0
    evidence.in_prometheus = evidence.exported


def in_no_list(evidence: Evidence) -> None:
    evidence.states = {**evidence.states, "bad": FinalState("queued, but in no list")}


def not_acknowledged(evidence: Evidence) -> None:
    del evidence.known.at["bad"]


def without_a_reason(evidence: Evidence) -> None:
    evidence.states = {**evidence.states, "bad": FinalState("failed")}


def lost_long_after_the_power_was_cut(evidence: Evidence) -> None:
    evidence.known.lost["good"] = LONG_AFTER, LONG_AFTER + 0.1


def lost_though_it_was_on_the_disk(evidence: Evidence) -> None:
    evidence.known.lost["good"] = POWER_CUT - 1.3, POWER_CUT - 1.2


def failed_without_a_fault(evidence: Evidence) -> None:
    evidence.states = {**evidence.states, "good": FinalState("failed", "KeyError")}


def stopped_without_a_command(evidence: Evidence) -> None:
    evidence.states = {**evidence.states, "good": FinalState("stopped")}


def finished_and_never_ran(evidence: Evidence) -> None:
    evidence.lines = {"bad": evidence.lines["bad"]}


def ran_twice_for_no_reason(evidence: Evidence) -> None:
    again = [Line(LONG_AFTER, 3, "begin", "good"), Line(LONG_AFTER, 3, "success", "good")]
    evidence.lines = {**evidence.lines, "good": [*evidence.lines["good"], *again]}


def recorded_twice(evidence: Evidence) -> None:
    evidence.replay.successes["good"] += 1


def counted_twice(evidence: Evidence) -> None:
    evidence.exported[SUCCEEDED] += 1
    evidence.in_prometheus = evidence.exported


def not_in_prometheus(evidence: Evidence) -> None:
    evidence.in_prometheus = Counter({SUCCEEDED: 1})


def tick_with_two_jobs(evidence: Evidence) -> None:
    evidence.replay.claims[TICK] += 1


def tick_not_accounted_for(evidence: Evidence) -> None:
    evidence.replay.due["each-second"][-1] += 1


def neither_counted_nor_refused(evidence: Evidence) -> None:
    evidence.exported[FAILED] = 0
    evidence.in_prometheus = evidence.exported


def refused_and_counted(evidence: Evidence) -> None:
    evidence.write_errors["NOPERM"] += 1


def one_refused_and_another_counted_twice(evidence: Evidence) -> None:
    evidence.write_errors["NOPERM"] += 1
    evidence.exported[FAILED] = 0
    counted_twice(evidence)


def cancelled_by_an_older_list(evidence: Evidence) -> None:
    evidence.replay.cancelled["each-five-seconds"] += 1


def gone_with_an_older_list(evidence: Evidence) -> None:
    evidence.cron_jobs = [name for name in evidence.cron_jobs if name != "each-ten-seconds"]


def not_registered_again(evidence: Evidence) -> None:
    evidence.unregistered = ["short-running-here-1"]


def with_callback(evidence: Evidence) -> None:
    evidence.known.specs["good"] = Spec("good", CALLING_BACK, (), None)


def worker_that_hangs(evidence: Evidence) -> None:
    evidence.hanging = ["1: short-running-worker.py"]


def too_few_kills(evidence: Evidence) -> None:
    evidence.killed.clear()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (gone, "of these: finished"),
        (in_no_list, "of these: finished"),
        (not_acknowledged, "jobs that Redis has acknowledged"),
        (without_a_reason, "reasons of those that have failed"),
        (lost_long_after_the_power_was_cut, "acknowledged, but not written yet"),
        (lost_though_it_was_on_the_disk, "acknowledged, but not written yet"),
        (failed_without_a_fault, "jobs that ended in a way"),
        (stopped_without_a_command, "jobs that ended in a way"),
        (finished_and_never_ran, "jobs that are finished though"),
        (ran_twice_for_no_reason, "jobs that came to their end more than once"),
        (recorded_twice, "jobs whose success was recorded more than once"),
        (counted_twice, "successes by the exporter"),
        (counted_twice, "executions by Redis' file"),
        (not_in_prometheus, "executions in Prometheus"),
        (tick_with_two_jobs, "ticks of each-second"),
        (tick_not_accounted_for, "ticks of each-second"),
        (neither_counted_nor_refused, "executions that are missing by the exporter"),
        (refused_and_counted, "executions that are missing by the exporter"),
        (one_refused_and_another_counted_twice, "executions by Redis' file"),
        (cancelled_by_an_older_list, "cron jobs of the newer list"),
        (gone_with_an_older_list, "cron jobs of the newer list"),
        (not_registered_again, "workers that did not register again"),
        (with_callback, "of these: jobs whose callback was not called"),
        (worker_that_hangs, "workers and cron schedulers that did not end"),
        (too_few_kills, "SIGKILL of workers"),
    ],
)
def test_each_kind_of_damage_makes_its_statement_false(
    evidence: Evidence, damage: Callable[[Evidence], None], sentence: str
) -> None:
    damage(evidence)

    assert [name for name in missed(evidence) if name.startswith(sentence)]


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (FinalState("stopped"), False),
        (FinalState("failed", "RuntimeError"), False),
        (FinalState("failed", "AbandonedJobError"), False),
        (FinalState("failed", "ValueError"), True),
        (FinalState("finished"), True),
    ],
    ids=str,
)
def test_a_job_to_be_stopped_may_fail_if_the_stop_command_was_lost(
    evidence: Evidence, state: FinalState, wrong: bool
) -> None:
    stopped = next(kind for kind in KINDS if kind.ends == "stopped")
    evidence.known.specs["bad"] = Spec("bad", stopped, (), None)
    evidence.states = {**evidence.states, "bad": state}

    assert any(name.startswith("jobs that ended in a way") for name in missed(evidence)) is wrong


def test_the_page_shows_the_ledger_and_its_seed(evidence: Evidence, tmp_path: Path) -> None:
    page, rows = tmp_path / "fault-run.md", ledger(evidence)

    write_document(page, evidence, rows)

    text = page.read_text()
    assert markdown(rows) in text
    assert "`make fault-run SEED=1`" in text


def test_the_page_keeps_the_ledger_of_the_other_version_of_rq(evidence: Evidence, tmp_path: Path) -> None:
    page = tmp_path / "fault-run.md"
    for rq, seed in (("3.0.0", 1), ("2.12.0", 2), ("3.0.1", 3)):
        evidence.rq, evidence.seed = rq, seed
        write_document(page, evidence, ledger(evidence))

    text = page.read_text()
    headings = [line for line in text.splitlines() if line.startswith(("## The", "### "))]
    assert headings == ["## The ledgers", "### RQ 2.12.0", "### RQ 3.0.1"]
    assert [f"seed {seed}." in text for seed in (1, 2, 3)] == [False, True, True]
    assert text.count("| RQ of workers") == 2


def test_jobs_that_redis_refused_to_count_are_no_damage_if_they_are_reported(evidence: Evidence) -> None:
    evidence.exported[SUCCEEDED] = 0
    evidence.in_prometheus = evidence.exported
    evidence.write_errors["NOPERM"] += 1

    assert missed(evidence) == []


def test_a_cron_job_only_on_the_older_list_may_be_cancelled(evidence: Evidence) -> None:
    evidence.replay.cancelled[OLDER_ONLY] += 1

    assert missed(evidence) == []


def test_a_callback_that_failed_counts_as_called(evidence: Evidence) -> None:
    with_callback(evidence)
    called = Line(10, 1, "callback", "good")
    evidence.lines = {**evidence.lines, "good": [*evidence.lines["good"], called]}

    assert missed(evidence) == []


@pytest.mark.parametrize(
    ("asked", "acknowledged"),
    [(POWER_CUT - 0.5, POWER_CUT - 0.4), (POWER_CUT - 3, POWER_CUT - 1), (POWER_CUT - 0.1, POWER_CUT + 3)],
    ids=["in the last second", "asked long before", "looked at the clock late"],
)
def test_writes_lost_in_a_power_cut_are_no_damage(
    evidence: Evidence, asked: float, acknowledged: float
) -> None:
    evidence.known.lost["good"] = asked, acknowledged

    assert missed(evidence) == []


@pytest.mark.parametrize(("after_the_cut", "is_found"), [(12, False), (120, True)])
def test_a_running_job_lost_in_a_power_cut_is_counted_by_its_worker(
    evidence: Evidence, after_the_cut: float, is_found: bool
) -> None:
    evidence.exported[SUCCEEDED._replace(outcome="failed")] += 1
    evidence.in_prometheus = evidence.exported
    evidence.vanished = [(POWER_CUT + after_the_cut, "good")]

    assert bool(missed(evidence)) == is_found


@pytest.mark.parametrize(
    ("hit", "moment"), [({1}, 10.0), (set(), POWER_CUT - 0.5)], ids=["killed", "while Redis was down"]
)
def test_a_job_may_run_again_after_a_fault(evidence: Evidence, hit: set[int], moment: float) -> None:
    first = [Line(moment, 1, "begin", "good"), Line(moment, 1, "success", "good")]
    again = [Line(LONG_AFTER, 3, "begin", "good"), Line(LONG_AFTER, 3, "success", "good")]
    evidence.lines = {**evidence.lines, "good": [*first, *again]}
    evidence.hit = hit

    assert missed(evidence) == []
