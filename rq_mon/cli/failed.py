"""`rqmon failed`: what fails, why, how often and since when."""

from __future__ import annotations

from typing import Any

import click
from redis import Redis

from rq_mon.cli.choosing import chooses_failed_jobs, selection
from rq_mon.cli.exits import OK, WRONG
from rq_mon.cli.output import (
    JSON_OPTION,
    counted,
    print_json,
    print_line,
    print_table,
    progress,
    shown,
    shown_lines,
)
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import ago, iso
from rq_mon.state.failed_jobs import read_traceback
from rq_mon.state.failure_groups import FailureGroup, FailureGroups
from rq_mon.state.failure_selection import Selection, time_now
from rq_mon.state.job_details import read_arguments

HEADINGS = ("jobs", "queue", "function", "exception", "first", "last", "example", "message")


@click.command()
@chooses_failed_jobs
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Number of groups to show."
)
@click.option("--traceback", "with_traceback", is_flag=True, help="Show the newest traceback of each group.")
@click.option(
    "--arguments",
    "with_arguments",
    is_flag=True,
    help="Show the arguments of each example as text; they may be secret. None of your code runs.",
)
@JSON_OPTION
def failed(limit: int, with_traceback: bool, with_arguments: bool, as_json: bool, **choices: Any) -> int:
    """Show failed jobs in groups of one queue, function and exception, the latest first.

    The example is the group's newest job. Exit code 1 if no failed job matches the options.
    """
    with open_redis() as connection:
        now = time_now(connection)
        groups = grouped(connection, selection(connection, now, choices), "Reading failed jobs")
        shown_groups = groups.latest_first()[:limit]
        details = [_details(connection, each, with_traceback, with_arguments) for each in shown_groups]
    if as_json:
        print_json([{**as_dict(group), **more} for group, more in zip(shown_groups, details, strict=True)])
    else:
        _print(groups, shown_groups, details, now)
    return OK if shown_groups else WRONG


def grouped(connection: Redis, chosen: Selection, what: str) -> FailureGroups:
    """Read all selected failed jobs, with a progress bar."""
    groups = FailureGroups()
    with progress(what, chosen.size(connection)) as advance:
        for looked_at, jobs in chosen.pages(connection):
            groups.add(jobs)
            advance(looked_at)
    return groups


def as_dict(group: FailureGroup) -> dict[str, Any]:
    """Return a group as JSON values."""
    return {
        "jobs": group.count,
        "queue": group.newest.queue,
        "function": group.newest.function,
        "exception": group.newest.exception,
        "first_at": iso(group.first_at),
        "last_at": iso(group.last_at),
        "example": group.newest.id,
        "last_line": group.newest.last_line,
    }


def print_groups(title: str, groups: list[FailureGroup], now: float) -> None:
    """Print the groups as a table."""
    print_table(title, HEADINGS, (_row(group, now) for group in groups))


def _row(group: FailureGroup, now: float) -> tuple[object, ...]:
    job = group.newest
    moments = ago(group.first_at, now), ago(group.last_at, now)
    return group.count, job.queue, job.function, job.exception, *moments, job.id, job.last_line


def _print(
    groups: FailureGroups, shown_groups: list[FailureGroup], details: list[dict[str, str]], now: float
) -> None:
    left_out = len(groups.latest_first()) - len(shown_groups)
    more = f"; {counted(left_out, 'group')} more: raise --limit" if left_out else ""
    print_groups(f"{counted(groups.count, 'failed job')}{more}", shown_groups, now)
    for group, texts in zip(shown_groups, details, strict=True):
        for what, text in texts.items():
            print_line(f"\n{what} of {shown(group.newest.id)} ({shown(group.newest.function)})", bold=True)
            print_line(shown_lines(text))


def _details(
    connection: Redis, group: FailureGroup, with_traceback: bool, with_arguments: bool
) -> dict[str, str]:
    details = {}
    if with_arguments:
        details["arguments"] = read_arguments(connection, group.newest.id)
    if with_traceback:
        details["traceback"] = read_traceback(connection, group.newest.id)
    return details
