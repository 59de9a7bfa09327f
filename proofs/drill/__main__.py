"""`python -m proofs.drill [FAULT …]`: break the stack, and check that each alert arrives.

It runs a copy of the stack as `make start-rq-mon` would, in containers or as processes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

import proofs.drill.faults  # noqa: F401 - fills FAULTS
from demo.number import Number
from proofs.drill.carry_out import carry_out, check_signs_of_life, stay_quiet, wait_until_quiet
from proofs.drill.document import summary, write_document
from proofs.drill.fault import FAULTS
from proofs.drill.inbox import Inbox
from proofs.drill.report import show, verdict
from proofs.drill.result import Result
from proofs.drill.stack import DrillStack
from proofs.drill.true_times import TrueTimes
from proofs.harness.webhook import running_webhook
from stack.choice import choose
from stack.compose import ComposeRuntime
from stack.compose.docker import Docker
from stack.runtime import StackError
from stack.settings import PROJECT_ROOT, load_settings
from stack.table import WIDTH_WITHOUT_TERMINAL
from stack.variables import BIND_ADDRESS

SHORT = ("queue-without-workers", "redis-stopped", "exporter-stopped")
QUIET_SECONDS = 60.0
SHORT_QUIET_SECONDS = 10.0


def _known(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in FAULTS:
            raise click.BadParameter(f"expected some of {', '.join(FAULTS)}, got {name!r}")
    return names


@click.command(help=__doc__, epilog=f"Faults: {', '.join(FAULTS)}.")
@click.argument("faults", nargs=-1, metavar="[FAULT]...", callback=_known)
@click.option("--short", is_flag=True, help=f"A few faults: {', '.join(SHORT)}.")
@click.option(
    "--quiet",
    type=Number(float, "a number of seconds of at least 0", lambda seconds: seconds >= 0),
    default=QUIET_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Of load with nothing broken.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the table to this file.",
)
def main(faults: Sequence[str], short: bool, quiet: float, markdown: Path | None) -> None:
    """Run the faults. Exit with 0 if all expected alerts arrived, and no others."""
    console = Console(width=None if sys.stdout.isatty() else 2 * WIDTH_WITHOUT_TERMINAL)
    names = faults or (SHORT if short else tuple(FAULTS))
    try:
        runtime = choose(load_settings()).name
        results = _drill(runtime, names, SHORT_QUIET_SECONDS if short else quiet, console)
    except StackError as error:
        console.print(str(error), markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nInterrupted: the copy of the stack was stopped and removed.", file=sys.stderr)
        sys.exit(1)
    times = TrueTimes(PROJECT_ROOT)
    show(console, results, times)
    console.print(summary(results, times), highlight=False)
    if markdown:
        write_document(markdown, runtime, results, times)
    sys.exit(not all(result.passed for result in results))


def _drill(runtime: str, names: Sequence[str], quiet: float, console: Console) -> list[Result]:
    results = []
    with _running_stack(runtime, console) as (stack, inbox):
        results.append(_printed(stay_quiet(quiet, stack, inbox), console))
        for name in names:
            console.print(f"{name}: {FAULTS[name].what} …", highlight=False)
            results.append(_printed(carry_out(FAULTS[name], stack, inbox), console))
        results.append(_printed(check_signs_of_life(inbox), console))
    return results


def _printed(result: Result, console: Console) -> Result:
    console.print(f"{result.name}: {verdict(result)}", highlight=False, markup=False)
    return result


@contextmanager
def _running_stack(runtime: str, console: Console) -> Iterator[tuple[DrillStack, Inbox]]:
    """Run a copy of the stack during the block."""
    address = _address_for_alertmanager(runtime)
    with tempfile.TemporaryDirectory(prefix="rq-drill-") as directory, running_webhook(address) as webhook:
        stack = DrillStack(PROJECT_ROOT, Path(directory), runtime, webhook)
        try:
            console.print(f"Starting a copy of the stack ({runtime}) …", highlight=False)
            stack.start_all()
            if not wait_until_quiet(stack):
                raise StackError(f"the stack is not quiet at its start: {stack.alerts()}")
            yield stack, Inbox(webhook)
        finally:
            stack.remove()


def _address_for_alertmanager(runtime: str) -> str:
    """Return the address at which the stack's Alertmanager can reach this machine."""
    if runtime != ComposeRuntime.name:
        return BIND_ADDRESS
    gateway = "--format={{(index .IPAM.Config 0).Gateway}}"
    return Docker(os.environ).output("network", "inspect", "bridge", gateway).strip()


if __name__ == "__main__":
    main(prog_name="python -m proofs.drill")
