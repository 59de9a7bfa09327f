"""How job metrics are stored in Redis: the format that workers write and the exporter reads.

The keys (catalogue.py) are many small ones, so that no command blocks Redis for long. A histogram is these
fields of a hash; in the hash of a function each has the prefix `<outcome>:`, as in `success:count`:

    count             observations
    microseconds      their sum, whole, so that adding is exact
    le:<bound>        observations in this bucket alone, not cumulative; bounds as Prometheus writes them
    exemplar:<bound>  the newest of them: `<Unix time> <seconds> <job id>`
    written           Unix time of the last observation, whole seconds

An outcome that has no run time (abandoned) has `count` and `written` only. The hash of a function also holds
its failures: `exceptions:count:<class>` and `exceptions:written:<class>`. Waits have no exemplars; their hash
also holds `expired`, the number of jobs that waited until their ttl ended.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple, TypeVar

from rq_mon.catalogue import (
    COUNTED_KEY_PREFIX,
    FUNCTIONS_KEY_PREFIX,
    JOBS_KEY_PREFIX,
    OUTCOMES,
    RUNNING_KEY_PREFIX,
    SEARCH_LOCK_KEY_PREFIX,
    WAITS_KEY_PREFIX,
)

EXCEPTIONS = "exceptions"

EXPIRED = "expired"

COUNTER_BITS = 63
"""Redis counts with this many bits and a sign; a larger number cannot be a count."""


def functions_key(queue: str) -> str:
    """Return the key of the set of functions in `queue` that have a hash of their own."""
    return FUNCTIONS_KEY_PREFIX + queue


def jobs_key(queue: str, function: str) -> str:
    """Return the key of the hash with the results of `function` in `queue`. JSON: names may hold anything."""
    return JOBS_KEY_PREFIX + json.dumps([queue, function], separators=(",", ":"))


def waits_key(queue: str) -> str:
    """Return the key of the hash with the histogram of waits in `queue`."""
    return WAITS_KEY_PREFIX + queue


def running_key(queue: str) -> str:
    """Return the key of the hash of executions in `queue` that started and are not counted yet."""
    return RUNNING_KEY_PREFIX + queue


def counted_key(execution_id: str) -> str:
    """Return the key that exists for a while after the end of the execution was counted."""
    return COUNTED_KEY_PREFIX + execution_id


def search_lock_key(queue: str) -> str:
    """Return the key that exists for a few seconds after a process looked for abandoned executions."""
    return SEARCH_LOCK_KEY_PREFIX + queue


def bound_of(seconds: float, bounds: Sequence[float]) -> str:
    """Return the upper bound of the bucket for `seconds`, as Prometheus writes it."""
    index = bisect_left(bounds, seconds)
    return str(bounds[index]) if index < len(bounds) else "+Inf"


class SeriesError(ValueError):
    """A hash that only this package writes has unexpected content."""


class Exemplar(NamedTuple):
    """The job behind one observation."""

    timestamp: float
    """Unix time of the observation."""
    seconds: float
    job_id: str

    def encode(self) -> str:
        """Return the field's value: under 64 bytes with RQ's job ids, so the hash stays compact in Redis."""
        return f"{self.timestamp:.3f} {self.seconds:.6g} {self.job_id}"

    @classmethod
    def decode(cls, text: str) -> Exemplar:
        """Read a value that `encode` wrote. Raises ValueError for anything else."""
        timestamp, seconds, job_id = text.split(" ", 2)
        exemplar = cls(float(timestamp), float(seconds), job_id)
        if not (isfinite(exemplar.timestamp) and isfinite(exemplar.seconds)):
            raise ValueError(text)
        return exemplar


@dataclass(slots=True)
class Histogram:
    """One histogram, as it is stored."""

    count: int = 0
    microseconds: int = 0
    buckets: dict[float, int] = field(default_factory=dict)
    """Upper bound -> observations in this bucket alone."""
    exemplars: dict[float, Exemplar] = field(default_factory=dict)
    """Upper bound -> the newest job in this bucket."""
    written: int = 0

    @property
    def seconds(self) -> float:
        """Sum of the observations."""
        return self.microseconds / 1e6

    def cumulative(self, bounds: Iterable[float]) -> list[tuple[float, int]]:
        """Return the cumulative counts at these rising bounds, whatever bounds were stored."""
        left = sorted(self.buckets.items(), reverse=True)
        total, found = 0, []
        for bound in bounds:
            while left and left[-1][0] <= bound:
                total += left.pop()[1]
            found.append((bound, total))
        return found

    def take(self, name: str, value: str) -> None:
        """Add one stored field; skip names that only a later version knows."""
        kind, _, bound = name.partition(":")
        match kind:
            case "count" | "microseconds" | "written":
                setattr(self, kind, _whole(value))
            case "le":
                self.buckets[float(bound)] = _whole(value)
            case "exemplar":
                self.exemplars[float(bound)] = Exemplar.decode(value)


@dataclass(slots=True)
class Failures:
    """Failures with one exception class."""

    count: int = 0
    written: int = 0

    def take(self, kind: str, value: str) -> None:
        """Add one stored field; skip kinds that only a later version knows."""
        if kind in ("count", "written"):
            setattr(self, kind, _whole(value))


@dataclass(slots=True)
class JobSeries:
    """The results of the jobs of one function in one queue."""

    outcomes: dict[str, Histogram] = field(default_factory=dict)
    """By outcome, one of catalogue.OUTCOMES."""
    exceptions: dict[str, Failures] = field(default_factory=dict)
    """By exception class."""

    def take(self, name: str, value: str) -> None:
        """Add one stored field; skip names that only a later version knows."""
        owner, _, rest = name.partition(":")
        if owner in OUTCOMES:
            self.outcomes.setdefault(owner, Histogram()).take(rest, value)
        elif owner == EXCEPTIONS:
            kind, _, exception = rest.partition(":")
            self.exceptions.setdefault(exception, Failures()).take(kind, value)


def decode_jobs(fields: Mapping[bytes, bytes]) -> JobSeries:
    """Read the hash of a function.

    Raises:
        SeriesError: a value is not what this package writes; the message names the field and the value.
    """
    return _decoded(JobSeries(), fields)


def decode_waits(fields: Mapping[bytes, bytes]) -> Histogram:
    """Read the hash of a queue's waits; raises SeriesError as `decode_jobs` does."""
    return _decoded(Histogram(), fields)


def decode_expired(fields: Mapping[bytes, bytes]) -> int:
    """Read how many jobs expired from the hash of a queue's waits; raises SeriesError like `decode_jobs`."""
    value = fields.get(EXPIRED.encode(), b"0").decode(errors="replace")
    try:
        return _whole(value)
    except ValueError as error:
        raise SeriesError(f"field {EXPIRED!r} holds {value!r}") from error


Series = TypeVar("Series", JobSeries, Histogram)


def _decoded(series: Series, fields: Mapping[bytes, bytes]) -> Series:
    for name, value in _text(fields):
        try:
            series.take(name, value)
        except ValueError as error:
            raise SeriesError(f"field {name!r} holds {value!r}") from error
    return series


def _whole(value: str) -> int:
    number = int(value)
    if number < 0 or number.bit_length() > COUNTER_BITS:
        raise ValueError(value)
    return number


def _text(fields: Mapping[bytes, bytes]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        yield name.decode(errors="replace"), value.decode(errors="replace")
