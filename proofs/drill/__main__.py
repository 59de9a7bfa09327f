"""`python -m proofs.drill [FAULT …]`: break the stack, and check that each alert arrives.

The copy of the stack runs as `make start-rq-mon` would run it, in containers or as processes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

import proofs.drill.faults  # noqa: F401 - fills FAULTS
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the faults, and return the exit code: 0 if all alerts arrived and no other did."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 2 * WIDTH_WITHOUT_TERMINAL)
    names = options.faults or (SHORT if options.short else tuple(FAULTS))
    quiet = SHORT_QUIET_SECONDS if options.short else options.quiet
    try:
        runtime = choose(load_settings()).name
        results = _drill(runtime, names, quiet, console)
    except StackError as error:
        console.print(str(error), markup=False)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: the copy of the stack was stopped and removed.", file=sys.stderr)
        return 1
    times = TrueTimes(PROJECT_ROOT)
    show(console, results, times)
    console.print(summary(results, times), highlight=False)
    if options.markdown:
        write_document(options.markdown, runtime, results, times)
    return 0 if all(result.passed for result in results) else 1


def _drill(runtime: str, names: Sequence[str], quiet: float, console: Console) -> list[Result]:
    results = []
    with _running_stack(runtime, console) as (stack, inbox):
        results.append(_told(stay_quiet(quiet, stack, inbox), console))
        for name in names:
            console.print(f"{name}: {FAULTS[name].what} …", highlight=False)
            results.append(_told(carry_out(FAULTS[name], stack, inbox), console))
        results.append(_told(check_signs_of_life(inbox), console))
    return results


def _told(result: Result, console: Console) -> Result:
    console.print(f"{result.name}: {verdict(result)}", highlight=False, markup=False)
    return result


@contextmanager
def _running_stack(runtime: str, console: Console) -> Iterator[tuple[DrillStack, Inbox]]:
    """Run a copy of the stack until the block ends."""
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
    """Return the address of this machine under which the stack's Alertmanager can reach it."""
    if runtime != ComposeRuntime.name:
        return BIND_ADDRESS
    gateway = "--format={{(index .IPAM.Config 0).Gateway}}"
    return Docker(os.environ).output("network", "inspect", "bridge", gateway).strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proofs.drill", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", type=_fault, help=", ".join(FAULTS))
    parser.add_argument("--short", action="store_true", help=f"a few faults: {', '.join(SHORT)}")
    parser.add_argument(
        "--quiet", type=float, default=QUIET_SECONDS, metavar="SECONDS", help="of load with nothing broken"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table to this file")
    return parser


def _fault(name: str) -> str:
    if name not in FAULTS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(FAULTS)}, got {name!r}")
    return name


if __name__ == "__main__":
    sys.exit(main())
