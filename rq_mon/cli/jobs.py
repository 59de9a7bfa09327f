"""`rqmon jobs`: the jobs of a queue that are in one state."""

from __future__ import annotations

from dataclasses import asdict

import click
from redis import Redis

from rq_mon.cli.choosing import check_queue
from rq_mon.cli.exits import OK, WRONG
from rq_mon.cli.output import JSON_OPTION, counted, print_json, print_table, progress, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import for_how_long, iso
from rq_mon.state.failure_selection import time_now
from rq_mon.state.job_lists import JOB_STATES, JobState
from rq_mon.state.listed_jobs import ListedJob, Search, read_jobs

HEADINGS = ("job", "function", "status", "enqueued", "ran", "worker", "exception", "message")
MOMENTS = ("created_at", "enqueued_at", "started_at", "ended_at", "due_at")


@click.command()
@click.argument("queue")
@click.option(
    "--state", type=click.Choice(JOB_STATES), default="queued", show_default=True, help="Jobs in this state."
)
@click.option("--function", default="", help="Jobs of this function: its dotted path, or the end of it.")
@click.option("--exception", default="", help="Jobs with this exception, such as ValueError.")
@click.option("--search", default="", help="Jobs with this text in id, function, exception or description.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most this many."
)
@click.option("--oldest-first", is_flag=True, help="Start at the other end of the list.")
@JSON_OPTION
def jobs(
    queue: str,
    state: JobState,
    function: str,
    exception: str,
    search: str,
    limit: int,
    oldest_first: bool,
    as_json: bool,
) -> int:
    """Show the jobs of QUEUE that are in one state, the newest first.

    The order is RQ's. Queued jobs: by place in the queue. Scheduled: by due time. Finished and failed: by
    when they expire. Started: by when their next heartbeat is due. Stopped jobs are listed as failed, too.
    Exit code 1 if there is none.
    """
    chosen = Search(function=function, exception=exception, text=search)
    with open_redis() as connection:
        check_queue(connection, queue)
        found, total = _found(connection, queue, state, chosen, limit, newest_first=not oldest_first)
        now = time_now(connection)
    if as_json:
        print_json([{**asdict(job), **{name: iso(getattr(job, name)) for name in MOMENTS}} for job in found])
    else:
        title = f"{state.replace('_', ' ').capitalize()} jobs of {shown(queue)}"
        more = f": {len(found):,} of {counted(total, 'job')}" if total > len(found) else ""
        print_table(f"{title}{more}", HEADINGS, (_row(job, now) for job in found))
    return OK if found else WRONG


def _found(
    connection: Redis, queue: str, state: JobState, search: Search, limit: int, *, newest_first: bool
) -> tuple[list[ListedJob], int]:
    """Read until there are enough jobs or no more; return them and the number of all jobs."""
    found: list[ListedJob] = []
    page = read_jobs(connection, queue, state, limit=limit, search=search, newest_first=newest_first)
    found += page.jobs
    with progress("Reading jobs", page.total) as advance:
        advance(page.read)
        while page.next_cursor is not None and len(found) < limit:
            before, left = page.read, limit - len(found)
            page = read_jobs(
                connection,
                queue,
                state,
                cursor=page.next_cursor,
                limit=left,
                search=search,
                newest_first=newest_first,
            )
            found += page.jobs
            advance(page.read - before)
    return found, page.total


def _row(job: ListedJob, now: float) -> tuple[object, ...]:
    since = job.due_at or job.enqueued_at or job.created_at
    if job.started_at is None:
        ran = ""
    elif job.status == "started":
        ran = f"for {for_how_long(now - job.started_at)}"
    else:
        ran = for_how_long(job.ended_at - job.started_at) if job.ended_at else ""
    when = "" if since is None else f"{for_how_long(now - since)} ago" if since <= now else _due(since - now)
    return job.id, job.function, job.status or "gone", when, ran, job.worker, job.exception, job.last_line


def _due(seconds: float) -> str:
    return f"due in {for_how_long(seconds)}"
