"""`rqmon requeue` and `rqmon delete`, for failed jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import click
from redis import Redis

from rq_mon.cli.choosing import chooses_failed_jobs, selection
from rq_mon.cli.confirming import asks_before, confirm, log_change, print_dry_run
from rq_mon.cli.exits import INTERRUPTED, OK, WRONG
from rq_mon.cli.failed import as_dict, grouped
from rq_mon.cli.output import JSON_OPTION, counted, print_json, print_line, progress, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.jobs.failed import CHANGES, PAST, RESULTS, Change, Result
from rq_mon.state.failed_jobs import FailedJob
from rq_mon.state.failure_groups import FailureGroups
from rq_mon.state.failure_selection import Selection, time_now

NAMED_GROUPS = 10
"""Groups that are listed before the question; the others are only counted."""

INTENTIONS: dict[Change, str] = {
    "requeue": "This requeues {jobs}, which then run again:",
    "delete": "This deletes {jobs} and their results for good:",
}
LEFT_ALONE: dict[Result, str] = {
    "gone": "already expired; only their ids were left",
    "changed": "left alone: another program changed them meanwhile",
    "blocked": "left alone: the Redis key of their queue, or of all queues, has the wrong type",
    "rate-limited": "left alone: they have a rate limit of RQ 3; use `rq requeue` for them",
}

ALL_OPTION = click.option("--all", "every", is_flag=True, help="All failed jobs, or all of --queue.")


@click.command()
@chooses_failed_jobs
@ALL_OPTION
@asks_before
@JSON_OPTION
def requeue(**options: Any) -> int:
    """Put failed jobs back at the end of their queues, after asking.

    Jobs that fail after the command started are not touched. If it is interrupted or killed, no job is lost:
    run it again for the rest. Exit code 1 if no job was found, or some were left alone.
    """
    return _change("requeue", **options)


@click.command()
@chooses_failed_jobs
@ALL_OPTION
@asks_before
@JSON_OPTION
def delete(**options: Any) -> int:
    """Delete failed jobs for good, with their results, after asking.

    Jobs that depend on a deleted job stay deferred. Exit code 1 if no job was found, or some were left alone.
    """
    return _change("delete", **options)


def _change(change: Change, every: bool, dry_run: bool, yes: bool, as_json: bool, **choices: Any) -> int:
    if not any(choices.values()) and not every:
        raise click.UsageError(
            f"expected ids of jobs, options that choose jobs, or --all to {change} every failed job"
        )
    if every and any(value for name, value in choices.items() if name != "queue"):
        raise click.UsageError("--all: expected no other option that chooses jobs, except --queue")
    with open_redis() as connection:
        # A requeued job may fail again at once, and must not be requeued twice.
        chosen = selection(connection, time_now(connection), choices)
        groups = grouped(connection, chosen, "Counting")
        if not groups.count or not confirm(_intention(change, groups), dry_run=dry_run, yes=yes):
            _report(change, groups, Counter(), as_json=as_json, dry_run=dry_run)
            return OK if groups.count else WRONG
        outcomes, is_whole = _carry_out(connection, change, chosen, groups.count)
    _report(change, groups, outcomes, as_json=as_json, dry_run=False, is_whole=is_whole)
    if not is_whole:
        return INTERRUPTED
    return OK if outcomes["done"] == outcomes.total() else WRONG


def _carry_out(
    connection: Redis, change: Change, chosen: Selection, expected: int
) -> tuple[Counter[Result], bool]:
    """Return the results, and False if Ctrl-C interrupted the work."""
    outcomes: Counter[Result] = Counter()
    done: Counter[str] = Counter()
    try:
        with progress(f"{change.capitalize()}", expected) as advance:
            for _, jobs in chosen.pages(connection):
                for queue, of_queue in _by_queue(jobs):
                    changed = CHANGES[change](connection, queue, of_queue)
                    outcomes += changed
                    if changed["done"]:
                        done[queue] += changed["done"]
                advance(len(jobs))
    except KeyboardInterrupt:
        return outcomes, False
    finally:
        for queue, number in done.items():
            log_change(change, number, f"failed jobs of {queue}")
    return outcomes, True


def _by_queue(jobs: Iterable[FailedJob]) -> Iterable[tuple[str, list[FailedJob]]]:
    queues: dict[str, list[FailedJob]] = {}
    for job in jobs:
        queues.setdefault(job.queue, []).append(job)
    return queues.items()


def _intention(change: Change, groups: FailureGroups) -> str:
    listed = groups.latest_first()
    lines = [INTENTIONS[change].format(jobs=counted(groups.count, "failed job"))]
    lines += [
        f"  {group.count:,} of {shown(group.newest.function)} in {shown(group.newest.queue)}:"
        f" {shown(group.newest.exception)}"
        for group in listed[:NAMED_GROUPS]
    ]
    if len(listed) > NAMED_GROUPS:
        lines.append(f"  and {counted(len(listed) - NAMED_GROUPS, 'group')} more; `rqmon failed` lists them")
    return "\n".join(lines)


def _report(
    change: Change,
    groups: FailureGroups,
    outcomes: Counter[Result],
    *,
    as_json: bool,
    dry_run: bool,
    is_whole: bool = True,
) -> None:
    if as_json:
        counts = {PAST[change] if outcome == "done" else outcome: outcomes[outcome] for outcome in RESULTS}
        print_json(
            {"dry_run": dry_run, "chosen": [as_dict(group) for group in groups.latest_first()], **counts}
        )
    elif not groups.count:
        print_line("No failed job matches these options.")
    elif dry_run:
        print_dry_run(_intention(change, groups))
    else:
        print_line(f"{PAST[change]}: {counted(outcomes['done'], 'job')}")
        for outcome, words in LEFT_ALONE.items():
            if outcomes[outcome]:
                print_line(f"{outcomes[outcome]:,} {words}")
        if not is_whole:
            print_line("Interrupted: the other jobs are unchanged. Run the command again for the rest.")
