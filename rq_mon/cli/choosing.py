"""The options that choose failed jobs, the same for each command that has them."""

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
    click.option("--queue", metavar="NAME", help="Of this queue."),
    click.option("--function", metavar="NAME", help="Of this function: its dotted path, or its last parts."),
    click.option("--exception", metavar="CLASS", help="With this exception, such as ValueError."),
    click.option("--since", type=SPAN, help="That failed within this time, such as 30m or 2d."),
    click.option("--older-than", type=SPAN, help="That failed longer ago, such as 12h or 7d."),
)


def chooses_failed_jobs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments of `selection`."""
    for choice in reversed(CHOICES):
        command = choice(command)
    return command


def selection(connection: Redis, now: float, choices: dict[str, Any]) -> Selection:
    """Return what the options choose.

    Args:
        connection: where the queue must be known.
        now: the time by the clock of Redis; what fails later is not meant.
        choices: the values of the options, by name; empty chooses every failed job.

    Raises:
        CommandError: there is no such queue.
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
    """Return the name of a queue that RQ knows.

    Raises:
        CommandError: it knows none of this name; the message says which there are.
    """
    known = queues_of(connection)
    if name not in known:
        listed = ", ".join(map(shown, known[:20])) or "none"
        raise CommandError(f"queue: expected one that RQ knows ({listed}), got {name!r}")
    return name
