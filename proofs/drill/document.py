"""docs/proofs/drill.md: what the drill is, and the results of its last run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofs.drill.report import markdown
from proofs.drill.result import Result
from proofs.drill.scale import FACTOR
from proofs.drill.true_times import TrueTimes
from proofs.table import write_page
from stack.compose import ComposeRuntime
from stack.native.runtime import NativeRuntime

TEMPLATE = Path(__file__).with_name("template.md")
TITLES = {NativeRuntime.name: "local processes", ComposeRuntime.name: "containers"}


def write_document(path: Path, runtime: str, results: Sequence[Result], times: TrueTimes) -> None:
    """Write the results and their meaning."""
    write_page(
        path,
        TEMPLATE,
        title=TITLES[runtime],
        runtime=runtime,
        factor=FACTOR,
        table=markdown(results, times),
        summary=summary(results, times),
    )


def summary(results: Sequence[Result], times: TrueTimes) -> str:
    """Return how many alerts were drilled, how many false ones arrived, and which alerts were not drilled."""
    drilled = {each.expected.alert for result in results for each in result.observations if not each.problem}
    false_alarms = sum(len(result.false_alarms) for result in results)
    others = ", ".join(sorted(times.alerts - drilled)) or "none"
    return (
        f"Alerts drilled: {len(drilled)} of {len(times.alerts)}. False alarms: {false_alarms}.\n\n"
        f"Not drilled: {others}."
    )
