"""Run all benchmarks, or some: `python -m proofs.bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

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


def main() -> int:
    """Print one table; exit with 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m proofs.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all by default")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"expected parts of {', '.join(PARTS)}, got {', '.join(unknown)}")
    rows = []
    for part in chosen:
        print(f"measuring {part} ...", file=sys.stderr)
        rows += PARTS[part]()
    show(rows)
    return int(any(row.verdict == "missed" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
