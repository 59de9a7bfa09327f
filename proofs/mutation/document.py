"""The rate and the survivors, as rows of a table and as docs/proofs/mutation.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from typing import get_args

import yaml

from docs.reference.markdown import table
from proofs.mutation.result import Outcome, Result
from proofs.table import Row, markdown, verdict, write_page

TARGET = 0.95
"""The share that tests must notice of the mutants with an effect."""
TEMPLATE = Path(__file__).with_name("template.md")
REASONS = Path(__file__).with_name("reasons.yml")
NO_REASON = "a missing test"
HEADINGS = ("where", "original", "mutant", "why it survives")


def share_of(results: Sequence[Result]) -> float:
    """The share, from 0 to 1, that tests noticed of the mutants with an effect.

    A mutant with which the tests do not end counts as noticed, and a survivor without a reason as missed.
    """
    with_effect = [result for result in results if _why_without_effect(result) is None]
    noticed = sum(result.outcome != "survived" for result in with_effect)
    return noticed / len(with_effect) if with_effect else 0.0


def rows(results: Sequence[Result], picked: int) -> list[Row]:
    """Return a row for each package and a total; the target is met only if all mutants were tried."""
    packages = sorted({_package(result) for result in results})
    shown = [
        _row(package, [result for result in results if _package(result) == package]) for package in packages
    ]
    total = _row("all", results)
    met = share_of(results) >= TARGET
    judged = verdict(met) if len(results) == picked or not met else "shown"
    return [*shown, Row(total.name, total.figure, total.spread, f"≥ {TARGET:.0%}", judged)]


def survivors(results: Iterable[Result]) -> list[tuple[str, str, str, str]]:
    """Return place, original, mutant and reason of each survivor."""
    found = sorted(
        (result for result in results if result.outcome == "survived"),
        key=lambda each: (each.path, each.line),
    )
    return [
        (
            f"{each.path}:{each.line}",
            each.original,
            each.mutated,
            _why_without_effect(each) or NO_REASON,
        )
        for each in found
    ]


def write_document(
    path: Path, results: Sequence[Result], picked: int, seed: int, day: date, *, late: int = 0
) -> None:
    """Write the page.

    Args:
        path: the page.
        results: the results of all mutants that were tried.
        picked: the number of mutants that were to be tried.
        seed: the seed that selected them.
        day: the day of the run.
        late: how many survivors of the run were noticed when they were tried again.
    """
    found = survivors(results)
    noticed = sum(result.outcome != "survived" for result in results)
    with_effect = noticed + sum(reason == NO_REASON for *_, reason in found)
    write_page(
        path,
        TEMPLATE,
        date=day.isoformat(),
        seed=seed,
        picked=picked,
        tried=len(results),
        seconds=round(sum(result.seconds for result in results) / max(1, len(results))),
        target=f"{TARGET:.0%}",
        table=markdown(rows(results, picked)),
        late=late,
        first=f"{(noticed - late) / max(1, with_effect):.1%}",
        strict=f"{noticed / max(1, len(results)):.1%}",
        missing=sum(reason == NO_REASON for *_, reason in found),
        survivors=table(HEADINGS, ((place, _code(old), _code(new), why) for place, old, new, why in found)),
    )


def _row(name: str, results: Sequence[Result]) -> Row:
    outcomes: Counter[Outcome] = Counter(result.outcome for result in results)
    killed, timeout, survived = (outcomes[outcome] for outcome in get_args(Outcome))
    harmless = sum(_why_without_effect(result) is not None for result in results)
    figure = f"{share_of(results):.1%} noticed" if harmless < len(results) else ""
    spread = (
        f"of {len(results)}: {killed + timeout} noticed ({timeout} by time), {harmless} without effect, "
        f"{survived - harmless} missed"
    )
    return Row(name, figure, spread)


def _why_without_effect(result: Result) -> str | None:
    """The reason why no test can notice a survivor; None without a reason, or if a test noticed it."""
    if result.outcome != "survived":
        return None
    return _reasons(REASONS).get((result.path, result.original, result.mutated))


@cache
def _reasons(file: Path) -> dict[tuple[str, str, str], str]:
    listed = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {(each["path"], each["original"], each["mutated"]): each["reason"] for each in listed}


def _package(result: Result) -> str:
    return str(PurePosixPath(result.path).parent)


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"
