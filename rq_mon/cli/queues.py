"""`rqmon purge`, `empty`, `pause` and `resume`, for whole queues and all workers."""

from __future__ import annotations

import click
from redis.exceptions import ResponseError
from rq import Queue

from rq_mon.cli.choosing import check_queue
from rq_mon.cli.confirming import asks_before, confirm, log_change, print_dry_run
from rq_mon.cli.exits import INTERRUPTED, OK, WRONG, CommandError
from rq_mon.cli.output import JSON_OPTION, counted, print_json, print_line, progress, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import SPAN, for_how_long
from rq_mon.jobs.pausing import pause_workers, paused_for, resume_workers
from rq_mon.jobs.purge import RESTING_STATES, RestingState, count_jobs, purge_in_batches

PAUSE_REMARK = "Running jobs finish. A worker that is already waiting for a job may start one more."


@click.command()
@click.argument("queue")
@click.argument("state", type=click.Choice(RESTING_STATES))
@asks_before
@JSON_OPTION
def purge(queue: str, state: RestingState, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Delete all jobs of QUEUE in STATE for good, with their results, after asking.

    Exit code 1 if there is none.
    """
    return _purge(queue, state, dry_run, yes, as_json)


@click.command()
@click.argument("queue")
@asks_before
@JSON_OPTION
def empty(queue: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Delete the queued jobs of QUEUE for good, after asking; same as `purge QUEUE queued`.

    Jobs that are enqueued meanwhile stay. Exit code 1 if there is none.
    """
    return _purge(queue, "queued", dry_run, yes, as_json)


@click.command()
@click.option(
    "--for", "seconds", type=SPAN, help="Resume after this time, such as 30m. Default: at `rqmon resume`."
)
@asks_before
@JSON_OPTION
def pause(seconds: float | None, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Pause all workers, of every queue, after asking; same as `rq suspend`.

    RQ cannot pause a single queue. Running jobs finish, and a worker that is already waiting for a job may
    start one more. Cron jobs are still enqueued.
    """
    until = "rqmon resume" if seconds is None else f"{for_how_long(seconds)} have passed, or: rqmon resume"
    intention = f"This pauses all workers, of every queue, until {until}."
    with open_redis() as connection:
        is_done = confirm(intention, dry_run=dry_run, yes=yes)
        if is_done:
            pause_workers(connection, None if seconds is None else int(seconds))
            log_change("pause", 1, "pause of all workers")
    if as_json:
        print_json({"dry_run": dry_run, "paused": is_done, "seconds": seconds})
    elif dry_run:
        print_dry_run(intention)
    else:
        print_line(f"All workers are paused until {until}")
        print_line(PAUSE_REMARK)
    return OK


@click.command()
@asks_before
@JSON_OPTION
def resume(dry_run: bool, yes: bool, as_json: bool) -> int:
    """Resume all workers, after asking. Exit code 0 also if they were not paused."""
    intention = "This resumes all workers."
    with open_redis() as connection:
        was_paused, _ = paused_for(connection)
        if was_paused and confirm(intention, dry_run=dry_run, yes=yes) and resume_workers(connection):
            log_change("resume", 1, "pause of all workers")
    if as_json:
        print_json({"dry_run": dry_run, "was_paused": was_paused})
    elif not was_paused:
        print_line("The workers were not paused.")
    elif dry_run:
        print_dry_run(intention)
    else:
        print_line("All workers are resumed.")
    return OK


def _purge(name: str, state: RestingState, dry_run: bool, yes: bool, as_json: bool) -> int:
    purged, is_whole = 0, True
    with open_redis() as connection:
        queue = Queue(check_queue(connection, name), connection=connection)
        count = _count(queue, state)
        intention = f"This deletes {counted(count, f'{state} job')} of {shown(name)} for good."
        if count and confirm(intention, dry_run=dry_run, yes=yes):
            purged, is_whole = _purge_counted(queue, state, count)
    if purged:
        log_change("purge", purged, f"{state} jobs of {name}")
    if as_json:
        print_json({"queue": name, "state": state, "dry_run": dry_run, "jobs": count, "deleted": purged})
    elif not count:
        print_line(f"{shown(name)} has no {state} job.")
    elif dry_run:
        print_dry_run(intention)
    else:
        print_line(f"deleted: {counted(purged, 'job')}")
    if not is_whole:
        return INTERRUPTED
    return OK if count else WRONG


def _count(queue: Queue, state: RestingState) -> int:
    try:
        return count_jobs(queue, state)
    except ResponseError as error:
        message = f"{shown(queue.name)}: the Redis key of its {state} jobs has the wrong type: {error}"
        raise CommandError(message) from error


def _purge_counted(queue: Queue, state: RestingState, count: int) -> tuple[int, bool]:
    purged = 0
    try:
        with progress("Purge", count) as advance:
            for batch in purge_in_batches(queue, state, at_most=count, by_operator=True):
                purged += batch
                advance(batch)
    except KeyboardInterrupt:
        return purged, False
    return purged, True
