"""`python -m proofs.soak`: does anything grow while the stack is in use? Exits with 1 if so."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from demo.number import Number
from proofs.harness.native_stack import NativeStack
from proofs.soak.disk import compact
from proofs.soak.report import rows, write_document
from proofs.soak.run import SECONDS_BETWEEN_LOOKS, soak
from proofs.table import Row, show
from stack.services import PROMETHEUS
from stack.settings import PROJECT_ROOT
from stack.variables import STOP_GRACE

WARM_UP_PART = 1 / 6
"""At the start of the run, and after each restart: caches fill, and RQ keeps results for 500 s."""
BLOCKS = 4
SHORTEST = 3.0
"""Minutes that suffice to restart each service once."""
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(help=__doc__)
@click.option(
    "--minutes",
    type=Number(float, f"a number of minutes of at least {SHORTEST:g}", lambda minutes: minutes >= SHORTEST),
    default=60.0,
    show_default=True,
    metavar="N",
    help="How long.",
)
@click.option("--samples", type=FILE, metavar="FILE", help="Write each look to this file, as JSON.")
@click.option("--markdown", type=FILE, metavar="FILE", help="Also write the table to this file.")
def main(minutes: float, samples: Path | None, markdown: Path | None) -> None:
    """Run it, print the table, and exit with 1 if something grows."""
    with tempfile.TemporaryDirectory(prefix="rq-soak-") as directory:
        found = _run(minutes, samples or Path(directory) / "samples.jsonl", Path(directory))
    show(found)
    if markdown:
        write_document(markdown, found, minutes, _warm_up(minutes), SECONDS_BETWEEN_LOOKS)
    sys.exit(any(row.verdict == "missed" for row in found))


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


if __name__ == "__main__":
    main(prog_name="python -m proofs.soak")
