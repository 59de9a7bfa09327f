"""`python -m proofs.soak`: does anything grow while the stack is in use? Exits with 1 if so."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from proofs.harness.native_stack import NativeStack
from proofs.soak.disk import compact
from proofs.soak.report import rows, write_document
from proofs.soak.run import SECONDS_BETWEEN_LOOKS, soak
from proofs.table import Row, show
from stack.services import PROMETHEUS
from stack.settings import PROJECT_ROOT
from stack.variables import STOP_GRACE

WARM_UP_PART = 1 / 6
"""Of the run, and of each life of a process in it: caches fill, and RQ keeps results for 500 s."""
BLOCKS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, print the table, and return the exit code."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rq-soak-") as directory:
        found = _run(options.minutes, options.samples or Path(directory) / "samples.jsonl", Path(directory))
    show(found)
    if options.markdown:
        write_document(
            options.markdown, found, options.minutes, _warm_up(options.minutes), SECONDS_BETWEEN_LOOKS
        )
    return int(any(row.verdict == "missed" for row in found))


def _run(minutes: float, samples: Path, directory: Path) -> list[Row]:
    stack = NativeStack(PROJECT_ROOT, directory / "project")
    try:
        print("Starting a copy of the stack …", file=sys.stderr)
        started = stack.make("start-rq-mon")
        if started.returncode:
            sys.exit(started.stdout)
        print(f"{minutes:g} minutes of load …", file=sys.stderr)
        points = soak(stack, minutes, samples)
        blocks = compact(stack.state / PROMETHEUS.name, max(1, round(minutes / BLOCKS)))
        return rows(points, blocks, _warm_up(minutes))
    finally:
        stack.make("stop-rq-mon", **{STOP_GRACE.name: "0"})


def _warm_up(minutes: float) -> float:
    return minutes * 60 * WARM_UP_PART


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proofs.soak", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, default=60.0, help="how long (default: %(default)g)")
    parser.add_argument("--samples", type=Path, metavar="FILE", help="write each look to this file, as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table to this file")
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 3 <= minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of minutes of at least 3, got {text!r}")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
