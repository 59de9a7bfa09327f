"""Feed the workers with realistic load: `python -m demo [--seconds N]`."""

from __future__ import annotations

import sys
import time
from collections import Counter

import click
from redis.exceptions import RedisError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from demo.load import arrivals
from demo.number import Number
from rq_mon.settings import SettingsError

DEFAULT_SECONDS = 60.0
MARGIN = 30
"""Seconds before and after the load: from calm, until the jobs have ended and are scraped and recorded."""


@click.command(help="Feed the workers with realistic load.")
@click.option(
    "--seconds",
    type=Number(float, "a number of seconds above 0", lambda seconds: seconds > 0),
    default=DEFAULT_SECONDS,
    show_default=True,
    metavar="N",
    help="How long to enqueue jobs. They keep running after that.",
)
@click.option(
    "--dashboard",
    metavar="URL",
    help="Address of a dashboard: the last line is a link to the minutes that the jobs filled.",
)
def main(seconds: float, dashboard: str | None) -> None:
    """Enqueue jobs, and exit with 1 if Redis does not answer."""
    enqueued: Counter[str] = Counter()
    start = time.time()
    try:
        _feed(seconds, enqueued)
    except KeyboardInterrupt:
        print("stopped early")
    except (RedisError, SettingsError) as error:
        print(f"cannot enqueue: {error}; is the stack up? `make start-rq-mon` starts it", file=sys.stderr)
        sys.exit(1)
    finally:
        _print_summary(enqueued)
    if dashboard is not None:
        print(f"See them: {_with_range(dashboard, start - MARGIN, time.time() + MARGIN)}")


def _with_range(dashboard: str, start: float, end: float) -> str:
    return f"{dashboard}?from={round(start * 1000)}&to={round(end * 1000)}"


def _feed(seconds: float, enqueued: Counter[str]) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[jobs]} jobs"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("enqueueing", total=seconds, jobs=0)
        start = time.monotonic()
        for due, kind in arrivals(seconds):
            while (passed := time.monotonic() - start) < due:
                progress.update(task, completed=passed)
                time.sleep(min(due - passed, 0.2))
            for _ in range(kind.at_once):
                kind.enqueue()
                enqueued[kind.name] += 1
            progress.update(task, jobs=enqueued.total())
        progress.update(task, completed=seconds)


def _print_summary(enqueued: Counter[str]) -> None:
    print(f"{enqueued.total()} jobs enqueued")
    for name, count in enqueued.most_common():
        print(f"{count:6}  {name}")


if __name__ == "__main__":
    main(prog_name="python -m demo")
