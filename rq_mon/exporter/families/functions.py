"""Job metrics by function: most of a large scrape, and mostly the same as in the last one.

So the compressed lines of a group of functions are kept until its hashes change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import Sample

from rq_mon import catalogue
from rq_mon.catalogue import Metric
from rq_mon.exporter.blocks import Block
from rq_mon.exporter.families.build import Histograms, Numbers, Values
from rq_mon.exporter.lines import Lines, WrittenSamples
from rq_mon.series import JobSeries, SeriesError, decode_jobs
from rq_mon.state.errors import Errors
from rq_mon.state.job_metrics import FunctionGroup

KNOWN_EXCEPTIONS = (catalogue.WORK_HORSE_KILLED, catalogue.ABANDONED, catalogue.MAX_RETRIES_EXCEEDED)

Functions = dict[tuple[str, str], JobSeries]


Kind = Callable[[Functions], Numbers | Histograms]
"""Makes the samples of a family."""


def samples_by_function(groups: Sequence[FunctionGroup], errors: Errors) -> Mapping[Metric, WrittenSamples]:
    """Return the samples of every family by function, without hashes of unexpected content.

    Such hashes are counted once per scrape, while the first family is written.
    """
    first, *others = KINDS
    return {first: _Grouped(groups, first, errors)} | {each: _Grouped(groups, each, None) for each in others}


class _Grouped(WrittenSamples):
    """Yield the samples of one family, group by group."""

    def __init__(self, groups: Sequence[FunctionGroup], metric: Metric, errors: Errors | None) -> None:
        self._groups = groups
        self._metric = metric
        self._errors = errors

    def __iter__(self) -> Iterator[Sample]:
        for group in self._groups:
            functions, problems = _decoded(group)
            self._count(problems)
            yield from KINDS[self._metric](functions)

    def write(self, lines: Lines) -> Iterator[Block]:
        """Write all families of a group together, so that its hashes are decoded once."""
        for group in self._groups:
            written = group.answer.made.get(lines.has_exemplars)
            if written is None:
                functions, problems = _decoded(group)
                blocks = {
                    metric: Block("".join(kind(functions).write(lines)).encode())
                    for metric, kind in KINDS.items()
                }
                written = group.answer.made[lines.has_exemplars] = blocks, problems
            blocks, problems = written
            self._count(problems)
            yield blocks[self._metric]

    def _count(self, problems: Iterable[str]) -> None:
        if self._errors:
            for problem in problems:
                self._errors.count("jobs", problem)


def _decoded(group: FunctionGroup) -> tuple[Functions, list[str]]:
    """Return the functions of a group, and its unreadable hashes."""
    functions: Functions = {}
    problems = []
    for function, fields in group.hashes():
        try:
            functions[function] = decode_jobs(fields)
        except SeriesError as error:
            problems.append(f"hash of {function!r}: {error}")
    return functions, problems


def _durations(functions: Functions) -> Histograms:
    observed = [
        ((queue, function, outcome), ran)
        for (queue, function), series in functions.items()
        for outcome, ran in series.outcomes.items()
        if ran.buckets  # abandoned jobs have no run time
    ]
    return Histograms(catalogue.JOB_DURATION, catalogue.DURATION_BUCKETS, observed)


def _processed(functions: Functions) -> Values:
    for (queue, function), series in functions.items():
        for outcome in catalogue.OUTCOMES:
            ended = series.outcomes.get(outcome)
            yield (queue, function, outcome), ended.count if ended else 0


def _failures(functions: Functions) -> Values:
    for (queue, function), series in functions.items():
        counts = dict.fromkeys(KNOWN_EXCEPTIONS, 0)
        counts |= {exception: failures.count for exception, failures in series.exceptions.items()}
        for exception, count in counts.items():
            yield (queue, function, exception), count


KINDS: dict[Metric, Kind] = {
    catalogue.JOB_DURATION: _durations,
    catalogue.JOBS_PROCESSED: lambda functions: Numbers(catalogue.JOBS_PROCESSED, _processed(functions)),
    catalogue.JOB_FAILURES: lambda functions: Numbers(catalogue.JOB_FAILURES, _failures(functions)),
}
