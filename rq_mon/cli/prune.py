"""`rqmon prune`: job metrics that nobody writes any more."""

from __future__ import annotations

import click

from rq_mon.cli.exits import OK, WRONG
from rq_mon.cli.output import JSON_OPTION, print_json, print_line, say, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.worker.pruning import DAY, DEFAULT_DAYS
from rq_mon.worker.pruning import prune as prune_series


@click.command()
@click.option(
    "--days",
    type=click.IntRange(min=1, max=36500),
    default=DEFAULT_DAYS,
    show_default=True,
    help="Without a write.",
)
@JSON_OPTION
def prune(days: int, as_json: bool) -> int:
    """Remove series of job metrics that nobody has written for so many days; workers may run.

    Exit code 1 if something that no worker can have written is in the way; it is left as it is.
    """
    problems: list[str] = []
    with open_redis() as connection:
        pruned = [each._asdict() for each in prune_series(connection, days * DAY, problems.append)]
    if as_json:
        print_json({"removed": pruned, "left_as_they_are": problems})
    else:
        for each in pruned:
            print_line("removed " + " ".join(shown(part) for part in each.values() if part))
        print_line(f"{len(pruned)} series removed that were not written for {days} days")
        for problem in problems:
            say(f"left as it is: {shown(problem)}")
    return WRONG if problems else OK
