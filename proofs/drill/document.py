"""docs/proofs/drill.md: what the drill is, and the results of its last run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofs.drill.report import markdown
from proofs.drill.result import Result
from proofs.drill.scale import FACTOR
from proofs.drill.true_times import TrueTimes
from stack.compose import ComposeRuntime
from stack.native.runtime import NativeRuntime

TEXT = """# The drill: {title}

`make drill` starts a copy of the stack on free ports, as `make start-rq-mon` would run it, breaks it in the
ways below, one after the other, and watches what reaches a webhook through Prometheus and Alertmanager. It
fails if an expected alert does not arrive with the right queue and with links that open, if it is not
resolved after mending, or if any other alert arrives. Before that, the stack must stay silent under load.

`make drill ARGS="--short"` takes a few faults, `make drill ARGS="NAME …"` those that you name. This file was
written by `make drill RUNTIME={runtime} ARGS="--markdown FILE"`.

Every wait of rules and Alertmanager is divided by {factor} (proofs/drill/scale.py), and objectives are
shorter (proofs/drill/objectives.yml). "Arrived" and "resolved" are measured from the fault and from the
beginning of its mending. "At true durations" is computed: what was measured, plus what the stack's own
files wait for longer.
Queues that are not the stack's own were idle before; an error budget burns later where jobs ran well for
hours. The table of the [runbooks](../runbooks/README.md) has such cases.

{table}
{summary}
"""


TITLES = {NativeRuntime.name: "local processes", ComposeRuntime.name: "containers"}


def write_document(path: Path, runtime: str, results: Sequence[Result], times: TrueTimes) -> None:
    """Write the results with what they mean."""
    text = TEXT.format(
        title=TITLES[runtime],
        runtime=runtime,
        factor=FACTOR,
        table=markdown(results, times),
        summary=summary(results, times),
    )
    path.write_text(text, encoding="utf-8")


def summary(results: Sequence[Result], times: TrueTimes) -> str:
    """Return how many alerts were drilled, how many arrived for nothing, and which were not drilled."""
    drilled = {each.expected.alert for result in results for each in result.observations if not each.problem}
    false_alarms = sum(len(result.false_alarms) for result in results)
    others = ", ".join(sorted(times.alerts - drilled)) or "none"
    return (
        f"Alerts drilled: {len(drilled)} of {len(times.alerts)}. False alarms: {false_alarms}.\n\n"
        f"Not drilled: {others}."
    )
