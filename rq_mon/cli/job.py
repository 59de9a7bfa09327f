"""`rqmon job` and `rqmon stop`: one job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from rq_mon.cli.confirming import asks_before, confirm, log_change, print_dry_run
from rq_mon.cli.exits import OK, WRONG, CommandError
from rq_mon.cli.output import JSON_OPTION, print_json, print_line, print_table, shown, shown_lines
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import ago, for_how_long, iso
from rq_mon.jobs.stopping import StopResult
from rq_mon.jobs.stopping import stop as stop_job
from rq_mon.state.failure_selection import time_now
from rq_mon.state.job_details import JobDetails, RelatedJob, read_job

ID_ARGUMENT = click.argument("job_id", metavar="JOB_ID")

MOMENTS = ("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat")

NOT_STOPPED: dict[StopResult, str] = {
    "gone": "Redis has no job with this id",
    "not-running": "the job is not running",
    "no-worker": "its worker does not answer; if the worker is dead, RQ notices within minutes",
}


@click.command()
@ID_ARGUMENT
@click.option(
    "--arguments",
    "with_arguments",
    is_flag=True,
    help="Show its arguments as text; they may be secret. None of your code runs.",
)
@JSON_OPTION
def job(job_id: str, with_arguments: bool, as_json: bool) -> int:
    """Show everything that RQ stores about one job. Exit code 1 if there is no such job."""
    with open_redis() as connection:
        found, now = read_job(connection, job_id, with_arguments=with_arguments), time_now(connection)
    if found is None:
        raise CommandError(f"JOB_ID: expected the id of a job in this Redis, got {job_id!r}")
    if as_json:
        times = {name: iso(getattr(found, name)) for name in MOMENTS}
        spans = {"wait_seconds": found.wait_seconds, "run_seconds": found.run_seconds}
        print_json({**asdict(found), **times, **spans})
        return OK
    rows = [(name, value) for name, value in _rows(found, now) if value not in ("", None)]
    print_table(f"Job {shown(found.id)}", ("", ""), rows)
    for what, text in (("arguments", found.arguments), ("traceback", found.traceback)):
        if text:
            print_line(f"\n{what}", bold=True)
            print_line(shown_lines(text))
    return OK


@click.command("stop")
@ID_ARGUMENT
@asks_before
@JSON_OPTION
def stop(job_id: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Stop a running job, after asking.

    The job is then marked as stopped, is not retried, and is listed among the failed jobs. Workers that run
    jobs in their own process, such as SimpleWorker, cannot stop one. Exit code 1 if it is not running.
    """
    result: StopResult | None = None
    with open_redis() as connection:
        found = read_job(connection, job_id)
        if found is None:
            raise CommandError(f"JOB_ID: expected the id of a job in this Redis, got {job_id!r}")
        if found.status != "started":
            raise CommandError(f"JOB_ID: expected a running job, got {job_id!r}, which is {found.status}")
        intention = (
            f"This stops the running job {shown(job_id)}: {shown(found.function)} in {shown(found.queue)}."
        )
        if confirm(intention, dry_run=dry_run, yes=yes):
            result = stop_job(connection, job_id)
    if result == "asked":
        log_change("stop", 1, f"running job of {found.queue}: {job_id}")
    if as_json:
        print_json({"dry_run": dry_run, "job_id": job_id, "result": result})
    elif result is None:
        print_dry_run(intention)
    elif result == "asked":
        print_line(f"asked {shown(found.worker)} to stop {shown(job_id)}")
    else:
        print_line(f"not stopped: {NOT_STOPPED[result]}")
    return OK if result in (None, "asked") else WRONG


def _rows(job: JobDetails, now: float) -> Iterator[tuple[str, object]]:
    yield "function", job.function
    yield "description", job.description
    yield "queue", job.queue
    yield "status", job.status or "unknown"
    for name in MOMENTS:
        moment = getattr(job, name)
        yield name.removesuffix("_at").replace("_", " "), moment and f"{iso(moment)} ({ago(moment, now)})"
    yield "waited", _span(job.wait_seconds)
    running = now - job.started_at if job.status == "started" and job.started_at else None
    yield "ran", _span(job.run_seconds)
    yield "running for", _span(running)
    yield "worker", job.worker
    yield "timeout", for_how_long(job.timeout) or "none"
    yield "kept in the queue for", for_how_long(job.ttl)
    yield "result kept for", _kept(job.result_ttl)
    yield "failure kept for", _kept(job.failure_ttl)
    yield "retries left", _text(job.retries_left)
    yield "retries asked for", _text(job.retries_asked_for)
    yield "seconds between retries", ", ".join(f"{each:g}" for each in job.retry_intervals)
    yield "repeats left", _text(job.repeats_left)
    yield "seconds between repeats", ", ".join(f"{each:g}" for each in job.repeat_intervals)
    yield "waits for", _related(job.dependencies, len(job.dependencies))
    yield "runs even if they fail", "yes" if job.dependencies and job.may_dependencies_fail else ""
    yield "blocks", _related(job.dependents, job.dependent_count)
    yield "group", job.group
    yield "rate limit", job.rate_limit
    yield "callbacks", ", ".join(f"{what}: {shown(name)}" for what, name in job.callbacks.items())
    yield "meta keys", "unreadable" if job.meta_keys is None else ", ".join(job.meta_keys)
    yield "call size", f"{job.arguments_bytes:,} bytes"
    yield "ended", job.outcome.replace("_", " ")
    yield "result", f"{job.result_type}, {job.result_bytes:,} bytes" if job.result_bytes else ""
    yield "exception", job.exception
    yield "message", job.last_line


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.3f} s" if seconds < 10 else for_how_long(seconds)


def _kept(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return "ever" if seconds < 0 else for_how_long(seconds)


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _related(jobs: tuple[RelatedJob, ...], count: int) -> str:
    named: list[Any] = [f"{shown(each.id)} ({each.status or 'gone'})" for each in jobs]
    more = [f"and {count - len(jobs):,} more"] if count > len(jobs) else []
    return ", ".join([*named, *more])
