"""`rqmon prune`: delete series of job metrics that no worker writes any more."""

from __future__ import annotations

import click
from redis import Redis

from rq_mon.cli.confirming import asks_before, confirm, log_change, print_dry_run
from rq_mon.cli.exits import OK, WRONG
from rq_mon.cli.output import JSON_OPTION, print_json, print_line, say, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.worker.pruning import DAY, DEFAULT_DAYS, Pruned
from rq_mon.worker.pruning import prune as prune_series

NAMED_SERIES = 20
"""Series that are listed before the question; the others are only counted."""


@click.command()
@click.option(
    "--days",
    type=click.IntRange(min=1, max=36500),
    default=DEFAULT_DAYS,
    show_default=True,
    help="Days without a write.",
)
@asks_before
@JSON_OPTION
def prune(days: int, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Delete the series of job metrics that no worker has written for --days days, after asking.

    Workers may keep running. Exit code 1 if the metrics' keys hold something that no worker wrote; it stays.
    """
    removed: list[Pruned] = []
    with open_redis() as connection:
        chosen, problems = _prune(connection, days, dry_run=True)
        intention = _intention(chosen, days)
        if not dry_run and (not chosen or confirm(intention, dry_run=dry_run, yes=yes)):
            removed, problems = _prune(connection, days, dry_run=False)
            if removed:
                log_change("prune", len(removed), f"series not written for {days} days")
    if as_json:
        series = {
            name: [each._asdict() for each in of] for name, of in (("chosen", chosen), ("removed", removed))
        }
        print_json({"dry_run": dry_run, **series, "left_as_they_are": problems})
    elif dry_run and chosen:
        print_dry_run(intention)
    else:
        for each in removed:
            print_line(f"removed {_shown(each)}")
        print_line(f"removed {len(removed):,} series that were not written for {days} days")
    if not as_json:
        for problem in problems:
            say(f"left unchanged: {shown(problem)}")
    return WRONG if problems else OK


def _prune(connection: Redis, days: int, *, dry_run: bool) -> tuple[list[Pruned], list[str]]:
    """Return the series that are removed, or would be, and a line for each thing that is left unchanged."""
    problems: list[str] = []
    return list(prune_series(connection, days * DAY, problems.append, dry_run=dry_run)), problems


def _intention(chosen: list[Pruned], days: int) -> str:
    lines = [f"This removes {len(chosen):,} series that were not written for {days} days:"]
    lines += [f"  {_shown(each)}" for each in chosen[:NAMED_SERIES]]
    if len(chosen) > NAMED_SERIES:
        lines.append(f"  and {len(chosen) - NAMED_SERIES:,} more: --dry-run --json lists them")
    return "\n".join(lines)


def _shown(series: Pruned) -> str:
    return " ".join(shown(part) for part in series if part)
