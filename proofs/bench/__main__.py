"""Run all benchmarks, or some: `python -m proofs.bench`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from proofs.bench import (
    command_line,
    commands,
    cron_ticks,
    dashboards,
    enqueueing,
    growth,
    idle_worker,
    job_pages,
    load,
    native_start,
    redis_capacity,
    scrape,
    short_ranges,
    stack_worker,
    starting,
    throughput,
)
from proofs.table import Row, show

PARTS: dict[str, Callable[[], list[Row]]] = {
    "throughput": throughput.run,
    "stack-worker": stack_worker.run,
    "commands": commands.run,
    "enqueueing": enqueueing.run,
    "cron-ticks": cron_ticks.run,
    "starting": starting.run,
    "native-start": native_start.run,
    "command-line": command_line.run,
    "idle-worker": idle_worker.run,
    "job-pages": job_pages.run,
    "scrape": scrape.run,
    "dashboards": dashboards.run,
    "short-ranges": short_ranges.run,
    "load": load.run,
    "growth": growth.run,
    "redis": redis_capacity.run,
}


@click.command(help=f"{__doc__}\n\nParts: {', '.join(PARTS)}.")
@click.argument("parts", nargs=-1, metavar="[PART]...", type=click.Choice(list(PARTS)))
def main(parts: Sequence[str]) -> None:
    """Print one table; exit with 1 if a target was missed."""
    rows = []
    for part in parts or PARTS:
        print(f"measuring {part} ...", file=sys.stderr)
        rows += PARTS[part]()
    show(rows)
    sys.exit(int(any(row.verdict == "missed" for row in rows)))


if __name__ == "__main__":
    main()
