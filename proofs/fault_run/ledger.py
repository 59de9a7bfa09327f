"""The ledger: what became of every job, and whether all sources agree. Each row is one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from proofs.fault_run import jobs
from proofs.fault_run.as_counted import as_counted, uncounted, vanished
from proofs.fault_run.cron_scheduler import OLDER_ONLY, SCHEDULES, SECONDS
from proofs.fault_run.evidence import Evidence
from proofs.fault_run.processes import END_WITHIN
from proofs.fault_run.replay import is_tick
from proofs.table import Row, verdict
from rq_mon.connection.client import SOCKET_TIMEOUT

OWN_REASONS = {
    jobs.fail: "ValueError",
    jobs.return_retry_too_often: "MaxRetriesExceeded",
    jobs.overrun: "rq.timeouts.JobTimeoutException",
    jobs.stop_itself: "RuntimeError",
}
"""How functions fail if nothing is killed; a job to be stopped fails if the stop command was lost."""
ENDED = ("finished", "failed", "stopped", "queued", "scheduled")
RECORDED_WITHIN = 5.0
"""Seconds from the last line of a job until its end is recorded on a busy machine."""
RECONNECTS_WITHIN = SOCKET_TIMEOUT + 5
"""Seconds after an outage of Redis in which a work horse may still wait for an answer, or reconnect."""


def ledger(evidence: Evidence) -> list[Row]:
    """Return the rows; a false statement has the verdict `missed`."""
    return [
        *_what_was_done(evidence),
        *_none_lost(evidence),
        *_none_twice(evidence),
        *_callbacks(evidence),
        *_all_agree(evidence),
        *_ticks(evidence),
        _lists(evidence),
        _registrations(evidence),
        *_times(evidence),
    ]


def _what_was_done(evidence: Evidence) -> Iterator[Row]:
    size, done, killed = evidence.size, evidence.done, evidence.killed
    kills = killed["worker"] + killed["work horse"]
    yield Row("RQ of workers and cron schedulers", evidence.rq)
    yield Row(
        "SIGKILL of workers and work horses",
        f"{killed['worker']} + {killed['work horse']}",
        "",
        f"≥ {size.worker_kills}",
        verdict(kills >= size.worker_kills),
    )
    yield Row(
        "SIGKILL of cron schedulers",
        f"{killed['cron scheduler']} of {done['kill cron scheduler']} found alive",
    )
    yield Row("SIGKILL of Redis", str(done["crash Redis"]))
    yield Row(
        "SIGKILL of Redis, and the last second of its file is missing, as when the power goes",
        str(done["cut Redis' power"]),
        f"appendfsync {evidence.fsync}",
    )
    for name in ("freeze Redis", "freeze worker", "jump clock", "fill Redis' disk"):
        reason = evidence.left_out.get(name)
        yield Row(name, f"left out: {reason}" if reason else str(done[name]))
    yield Row(
        f"freeze Redis for longer than its longest lease ({size.longest_lease} s)",
        str(done["freeze Redis for longer than any lease"]),
    )
    yield Row(
        "Redis refuses EVAL for some seconds, Redis refuses all keys under rq:monitor:",
        f"{done['take the right to scripts']}, {done['take the right to keys']}",
    )
    yield Row(
        "Redis loses all that RQ knows of workers",
        str(done["lose registrations"]),
        f"{evidence.forgotten} keys; jobs and queues stay",
    )
    yield Row("a cron scheduler with an older list continues after a freeze", str(done["thaw older list"]))


def _none_lost(evidence: Evidence) -> Iterator[Row]:
    known, states = evidence.known, evidence.states
    statuses = Counter(state.status for state in states.values())
    reasons = Counter(state.reason for state in states.values() if state.status == "failed")
    others = {status: count for status, count in statuses.items() if status not in ENDED}
    yield Row(
        "jobs that Redis has acknowledged",
        str(len(known.at)),
        f"{known.refused} attempts failed, of which {len(known.unknown)} had reached Redis",
        str(evidence.size.jobs),
        verdict(len(known.at) == evidence.size.jobs),
    )
    yield Row(
        "of these: finished, failed, stopped, still queued or delayed, anything else",
        f"{statuses['finished']}, {statuses['failed']}, {statuses['stopped']},"
        f" {statuses['queued'] + statuses['scheduled']}, {sum(others.values())}{_listed(others)}",
        "",
        "nothing else",
        verdict(not others),
    )
    yield Row(
        "reasons of those that have failed",
        ", ".join(f"{reason or 'none'}: {count}" for reason, count in reasons.most_common()),
        "",
        "each has one",
        verdict(not reasons[""]),
    )
    yield _lost_with_power(evidence)
    wrong = _wrongly_ended(evidence)
    yield Row(
        "jobs that ended in a way that neither their function nor a fault explains",
        f"{len(wrong)}{_listed(wrong)}",
        "",
        "0",
        verdict(not wrong),
    )


def _lost_with_power(evidence: Evidence) -> Row:
    known = evidence.known
    unexplained = [
        job_id
        for job_id, (asked, acknowledged) in known.lost.items()
        if not any(asked <= loss.until and acknowledged >= loss.since for loss in evidence.losses)
    ]
    return Row(
        "acknowledged, but not written yet when Redis was killed, or not on the disk when the power went; the"
        " application looked for them by id and enqueued them again",
        str(len(known.lost)),
        f"{len(unexplained)} gone without that{_listed(unexplained)}",
        "none without that",
        verdict(not unexplained),
    )


def _wrongly_ended(evidence: Evidence) -> list[str]:
    wrong = []
    for job_id, state in evidence.states.items():
        kind = evidence.known.specs[job_id].kind
        own = OWN_REASONS.get(kind.function)
        if (state.status in ("finished", "stopped") and state.status != kind.ends) or (
            state.status == "failed" and state.reason != own and not _is_fault(state.reason)
        ):
            wrong.append(f"{job_id} ({kind.name}): {state.status} {state.reason}".strip())
    return wrong


def _is_fault(reason: str) -> bool:
    return reason.startswith(
        ("AbandonedJobError", "Work-horse terminated unexpectedly", "Job was stuck", "redis.exceptions.")
    )


def _none_twice(evidence: Evidence) -> Iterator[Row]:
    lines = evidence.lines
    finished = {job_id for job_id, state in evidence.states.items() if state.status == "finished"}
    never_ran = [job_id for job_id in finished if not _ends(evidence, job_id, "success")]
    yield Row(
        "jobs that are finished though they never said that they came to their end",
        f"{len(never_ran)}{_listed(never_ran)}",
        "",
        "0",
        verdict(not never_ran),
    )
    begun = sum(line.event == "begin" for each in lines.values() for line in each)
    ended = sum(line.event not in ("begin", "callback") for each in lines.values() for line in each)
    again = [job_id for job_id in lines if _ends(evidence, job_id, "success") > 1]
    unexplained = [job_id for job_id in again if not _is_explained(evidence, job_id)]
    yield Row(
        "runs that began, and came to an end, by what the jobs say",
        f"{begun}, {ended}",
        f"{begun - ended} were killed on the way",
    )
    yield Row(
        "jobs that came to their end more than once: RQ runs a job at least once",
        str(len(again)),
        f"{len(unexplained)} of them without a process that was killed or frozen, or a Redis that was down"
        f"{_listed(unexplained)}",
        "none without that",
        verdict(not unexplained),
    )
    recorded = evidence.replay.successes
    twice = [job_id for job_id, times in recorded.items() if times > 1]
    without_cause = [
        job_id for job_id in twice if recorded[job_id] - 1 > evidence.replay.without_start[job_id]
    ]
    yield Row(
        "jobs whose success was recorded more than once",
        str(len(twice)),
        f"{len(without_cause)} of them had no worker when Redis lost their start in the power cut"
        f"{_listed(without_cause)}",
        "none without that",
        verdict(not without_cause),
    )
    ticks = sum(is_tick(job_id) for job_id in recorded)
    again_recorded = recorded.total() - len(recorded)
    successes = sum(count for end, count in evidence.exported.items() if end.outcome == "success")
    refused = sum(count for end, count in uncounted(evidence).items() if end.outcome == "success")
    yield Row(
        "successes by the exporter, jobs that are finished",
        f"{successes}, {len(finished) + ticks}",
        f"{ticks} jobs ran for ticks, by Redis' file; {again_recorded} successes are recorded again;"
        f" {refused} Redis refused to count",
        "equal, except those",
        verdict(successes + refused - again_recorded == len(finished) + ticks),
    )


def _is_explained(evidence: Evidence, job_id: str) -> bool:
    """Return whether a fault hit each success but the last before it was safely in Redis."""
    successes = [line for line in evidence.lines[job_id] if line.event == "success"]
    return all(
        line.pid in evidence.hit
        or any(
            begin - RECORDED_WITHIN <= line.time <= end + RECONNECTS_WITHIN for begin, end in evidence.outages
        )
        for line in successes[:-1]
    )


def _ends(evidence: Evidence, job_id: str, event: str) -> int:
    return sum(line.event == event for line in evidence.lines.get(job_id, ()))


def _all_agree(evidence: Evidence) -> Iterator[Row]:
    recorded, exported = as_counted(evidence), evidence.exported
    labels = set(recorded) | set(exported)
    more = [
        f"{label}: {recorded[label]}, {exported[label]}"
        for label in labels
        if recorded[label] < exported[label]
    ]
    missing, errors = uncounted(evidence).total(), evidence.write_errors
    outcomes = Counter[str]()
    for end, count in exported.items():
        outcomes[end.outcome] += count
    yield Row(
        "executions by Redis' file, by the exporter",
        f"{recorded.total()}, {exported.total()} in {len(labels)} series,"
        f" in {len(more)} of which there are more by the exporter{_listed(more)}",
        ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()),
        "equal by queue, function and outcome, except what Redis refused to count",
        verdict(not more),
    )
    refused = ", ".join(f"{count} {code}" for code, count in sorted(errors.items()))
    yield Row(
        "executions that are missing by the exporter, those that it says Redis refused to count",
        f"{missing}, {errors.total()}",
        refused,
        "equal",
        verdict(missing == errors.total()),
    )
    yield Row(
        "ends that RQ recorded twice; ends whose start Redis lost in the power cut; executions that ended"
        " after RQ gave them up; executions of jobs that Redis lost, known only to their workers",
        f"{evidence.replay.recorded_again}, {evidence.replay.without_start.total()},"
        f" {len(evidence.replay.late)}, {len(vanished(evidence))}",
    )
    yield Row(
        "starts that workers took back, as others had the jobs when they thawed",
        str(evidence.replay.taken_back.total()),
    )
    if evidence.in_prometheus is None:
        yield Row("executions in Prometheus", "left out: it is not installed")
        return
    yield Row(
        "executions in Prometheus",
        str(evidence.in_prometheus.total()),
        "",
        "as by the exporter, in each series",
        verdict(evidence.in_prometheus == exported),
    )
    yield Row(
        "the same by increase() over the run", f"{evidence.increase or 0:.0f}", "extrapolated by PromQL"
    )
    yield Row(
        "the same by increase() of rq-exporter's own counters, which begin and end with their worker",
        f"{evidence.stock_increase or 0:.0f}",
        f"{1 - (evidence.stock_increase or 0) / max(1, recorded.total()):.0%} of {recorded.total()} lost",
    )


def _ticks(evidence: Evidence) -> Iterator[Row]:
    for name in SCHEDULES:
        counts = {result: evidence.ticks[name, result] for result in ("enqueued", "coalesced", "missed")}
        claims = {
            job_id: times for job_id, times in evidence.replay.claims.items() if _cron_job(job_id) == name
        }
        doubled = [job_id for job_id, times in claims.items() if times > 1]
        due = evidence.replay.due.get(name, [0.0])
        ticks = round((due[-1] - due[0]) / SECONDS[name])
        yield Row(
            f"ticks of {name}: due, with a job, coalesced, missed, with two jobs",
            f"{ticks}, {len(claims)}, {counts['coalesced']}, {counts['missed']},"
            f" {len(doubled)}{_listed(doubled)}",
            f"{counts['enqueued']} enqueued by the exporter",
            "each accounted for, none with two",
            verdict(not doubled and len(claims) == counts["enqueued"] and ticks == sum(counts.values())),
        )


def _lists(evidence: Evidence) -> Row:
    cancelled = {name: times for name, times in evidence.replay.cancelled.items() if name in SCHEDULES}
    missing = sorted(set(SCHEDULES) - set(evidence.cron_jobs))
    return Row(
        "cron jobs of the newer list, or registered at run time, that were cancelled, or are gone in the end",
        f"{len(cancelled)}{_listed(cancelled)}, {len(missing)}{_listed(missing)}",
        f"what only the older list held was cancelled {evidence.replay.cancelled[OLDER_ONLY]} times",
        "0, 0",
        verdict(not cancelled and not missing),
    )


def _registrations(evidence: Evidence) -> Row:
    lost = evidence.unregistered
    return Row(
        "workers that did not register again when Redis had lost all of them, with every job done",
        f"{len(lost)} of {evidence.size.workers}{_listed(lost)}",
        f"all within {evidence.times.until_registered:.0f} s" if not lost else "",
        "0",
        verdict(not lost),
    )


def _callbacks(evidence: Evidence) -> Iterator[Row]:
    bad = [job_id for job_id, spec in evidence.known.specs.items() if spec.kind.callback is not None]
    called = sum(_ends(evidence, job_id, "callback") for job_id in bad)
    silent = [
        job_id
        for job_id in bad
        if _ended_as_it_should(evidence, job_id) and not _ends(evidence, job_id, "callback")
    ]
    yield Row(
        "calls of callbacks that raised, hung or exited, jobs of theirs that ended as they would without",
        f"{called}, {sum(_ended_as_it_should(evidence, job_id) for job_id in bad)}",
        f"{len(bad)} jobs had one",
    )
    yield Row(
        "of these: jobs whose callback was not called",
        f"{len(silent)}{_listed(silent)}",
        "",
        "0",
        verdict(not silent),
    )


def _ended_as_it_should(evidence: Evidence, job_id: str) -> bool:
    state, kind = evidence.states[job_id], evidence.known.specs[job_id].kind
    return state.status == kind.ends and (
        state.status != "failed" or state.reason == OWN_REASONS[kind.function]
    )


def _cron_job(job_id: str) -> str:
    return job_id.rpartition("-")[0] if is_tick(job_id) else ""


def _times(evidence: Evidence) -> Iterator[Row]:
    times = evidence.times
    yield Row(
        f"workers and cron schedulers that did not end within {END_WITHIN:g} s of SIGTERM",
        f"{len(evidence.hanging)}{_listed(evidence.hanging)}",
        "",
        "0",
        verdict(not evidence.hanging),
    )
    yield Row(
        "from the last kill until nothing waits, runs or is delayed",
        f"{times.until_empty:.0f} s",
        f"{times.waiting_at_last_kill} jobs were under way then; the whole run took {times.whole:.0f} s",
    )


def _listed(found: Iterable[object], most: int = 5) -> str:
    texts = sorted(map(str, found))
    if not texts:
        return ""
    return f" ({', '.join(texts[:most])}{', …' if len(texts) > most else ''})"
