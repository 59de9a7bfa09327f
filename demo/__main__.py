"""Feed the workers with realistic load: `python -m demo [--seconds N]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from redis.exceptions import RedisError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from demo.load import arrivals
from rq_mon.settings import SettingsError

DEFAULT_SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Enqueue jobs for as long as the command line asks for, and return the exit code."""
    seconds = _parse(arguments)
    enqueued: Counter[str] = Counter()
    try:
        _feed(seconds, enqueued)
    except KeyboardInterrupt:
        print("stopped early")
    except (RedisError, SettingsError) as error:
        print(f"cannot enqueue: {error}; is the stack up? `make start-rq-mon` starts it", file=sys.stderr)
        return 1
    finally:
        _print_summary(enqueued)
    return 0


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


def _parse(arguments: Sequence[str] | None) -> float:
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Feed the workers with realistic load."
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=DEFAULT_SECONDS,
        help="how long to enqueue jobs (default: %(default)g); they go on running after that",
    )
    seconds: float = parser.parse_args(arguments).seconds
    return seconds


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
