"""The options that choose failed jobs, shared by all commands that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from redis import Redis

from rq_mon.cli.exits import CommandError
from rq_mon.cli.output import shown
from rq_mon.cli.times import SPAN
from rq_mon.state.failed_jobs import queues_of
from rq_mon.state.failure_selection import Selection

CHOICES = (
    click.argument("ids", metavar="[JOB_ID]...", nargs=-1),
    click.option("--queue", metavar="NAME", help="Jobs of this queue."),
    click.option(
        "--function", metavar="NAME", help="Jobs of this function: its dotted path, or the end of it."
    ),
    click.option("--exception", metavar="CLASS", help="Jobs with this exception, such as ValueError."),
    click.option("--since", type=SPAN, help="Jobs that failed within this time, such as 30m or 2d."),
    click.option("--older-than", type=SPAN, help="Jobs that failed longer ago than this, such as 12h or 7d."),
)


def chooses_failed_jobs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `selection` reads to a command."""
    for choice in reversed(CHOICES):
        command = choice(command)
    return command


def selection(connection: Redis, now: float, choices: dict[str, Any]) -> Selection:
    """Return the selection that the options describe.

    Args:
        connection: the Redis in which the queue must exist.
        now: Unix time by the clock of Redis; jobs that fail later are left out.
        choices: the values of the options, by name; empty selects every failed job.

    Raises:
        CommandError: the queue does not exist.
    """
    queue = choices.get("queue")
    if queue is not None:
        check_queue(connection, queue)
    since, older_than = choices.get("since"), choices.get("older_than")
    return Selection(
        ids=tuple(dict.fromkeys(choices.get("ids") or ())),
        queue=queue,
        function=choices.get("function"),
        exception=choices.get("exception"),
        failed_after=None if since is None else now - since,
        failed_before=None if older_than is None else now - older_than,
        not_later_than=now,
    )


def check_queue(connection: Redis, name: str) -> str:
    """Return the name if RQ knows this queue.

    Raises:
        CommandError: RQ does not know it; the message lists the queues that exist.
    """
    known = queues_of(connection)
    if name not in known:
        listed = ", ".join(map(shown, known[:20])) or "none"
        raise CommandError(f"queue: expected one that RQ knows ({listed}), got {name!r}")
    return name
