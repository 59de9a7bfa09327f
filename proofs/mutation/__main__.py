"""`python -m proofs.mutation`: do the tests notice faults in the product? Exits with 1 if too few do."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from demo.number import Number
from proofs.mutation.document import TARGET, rows, share_of, survivors, write_document
from proofs.mutation.mutants import pick
from proofs.mutation.project import Project
from proofs.mutation.reach import FailingTestsError, find_reach
from proofs.mutation.result import Memory, Result
from proofs.mutation.run import try_out
from proofs.mutation.workshop import open_workshops
from proofs.table import show
from stack.settings import PROJECT_ROOT

PACKAGES = ("rq_mon/worker", "rq_mon/cron", "rq_mon/state", "rq_mon/jobs", "scheduler")
AT_A_TIME = 2
MEMORY = PROJECT_ROOT / ".mutation"
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(help=__doc__)
@click.option(
    "--mutants",
    "number",
    type=Number(int, "a number of mutants of at least 1", lambda number: number >= 1),
    default=500,
    show_default=True,
    metavar="N",
    help="How many.",
)
@click.option("--seed", type=int, metavar="N", help="Chooses them; a new one each time without it.")
@click.option(
    "--minutes",
    type=Number(float, "a number of minutes above 0", lambda minutes: minutes > 0),
    default=120.0,
    show_default=True,
    metavar="N",
    help="After this time, no further mutant starts; the same seed continues where this run ended.",
)
@click.option("--markdown", type=FILE, metavar="FILE", help="Also write the result to this file.")
def main(number: int, seed: int | None, minutes: float, markdown: Path | None) -> None:
    """Select mutants, test each, print the table, and exit with 1 if too many survive."""
    seed = random.randrange(1_000_000) if seed is None else seed
    project = Project(PROJECT_ROOT, PACKAGES)
    mutants = pick(project.root, project.packages, number, seed)
    memory = Memory(MEMORY / f"{seed}.jsonl")
    print(f"{len(mutants)} mutants, seed {seed}", file=sys.stderr)
    results: list[Result] = []
    try:
        reach = find_reach(project, MEMORY / f"reach-{project.digest()}.json", AT_A_TIME)
    except FailingTestsError as error:
        sys.exit(f"{error}\nThese tests fail without a mutant; they must pass first.")
    with open_workshops(project, AT_A_TIME, reach) as workshops:
        for result in try_out(mutants, workshops, memory, minutes * 60):
            results.append(result)
            print(_line(result, len(results), len(mutants)), file=sys.stderr, flush=True)
    show(rows(results, len(mutants)))
    for survivor in survivors(results):
        print(*survivor, sep="  ")
    if markdown:
        write_document(markdown, results, len(mutants), seed, datetime.now(UTC).date())
    sys.exit(share_of(results) < TARGET)


def _line(result: Result, number: int, of: int) -> str:
    place = f"{result.path}:{result.line}"
    return f"{number}/{of} {result.outcome:8} {result.seconds:5.1f} s  {place}  {result.noticed_by}"


if __name__ == "__main__":
    main(prog_name="python -m proofs.mutation")
