"""How many jobs ended, and how.

Counts come from counters that start at zero, so that they include the first failure of a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from grafana.layer.query import Query
from grafana.queries import recorded, uninstrumented
from grafana.queries.promql import (
    BY_FUNCTION,
    BY_QUEUE,
    FUNCTION,
    PER_MINUTE,
    QUEUE,
    counters,
    equals,
    from_counters,
    from_rates,
    named,
    one_of,
    select,
    total,
    with_zero,
)
from rq_mon import catalogue

FAILED = one_of("outcome", ("failed", "abandoned"))
ENDED = one_of("outcome", ("success", "failed", "abandoned"))
"""Final outcomes of the job itself: a retried job has not ended, a stopped one was ended by a person."""

RETRIED = equals("outcome", "retried")
ABANDONED = equals("outcome", "abandoned")

TIMED_OUT = "JobTimeoutException"
"""RQ's exception for a job that exceeded its timeout."""

TOP = 10

OF_ONE_REDIS = ("queue", "function")
"""Labels of which the same value in two Redis means two things. An outcome or an exception means one."""


ERRORS_BY = f"{BY_FUNCTION}, exception"


def _rate(series: str, by: str = "") -> str:
    return total(f"rate({series}[$__rate_interval])", by)


def _count(series: str, by: str = "") -> str:
    return total(f"increase({series}[$__range])", by)


def _ended(*matchers: str) -> str:
    return counters(recorded.PROCESSED, *matchers)


def _errors(*matchers: str) -> str:
    return counters(recorded.FAILURES, *matchers)


def _legend(label: str) -> str:
    return named(label) if label in OF_ONE_REDIS else f"{{{{{label}}}}}"


def _labels(label: str) -> str:
    return f"instance, {label}" if label in OF_ONE_REDIS else label


# --- executions that ended, by outcome ---


def throughput(*matchers: str) -> Query:
    """Executions that ended, a minute; from RQ's own counts if workers are uninstrumented."""
    theirs = uninstrumented.ended(uninstrumented.RATE)
    both = uninstrumented.replaced(_rate(_ended(*matchers)), theirs, *matchers)
    return from_counters(f"{PER_MINUTE} * ({both})", "jobs")


def ended_per_minute(*matchers: str) -> Query:
    """The same by outcome. RQ itself counts only success and failure."""
    theirs = uninstrumented.ended_by_outcome(uninstrumented.RATE)
    both = uninstrumented.replaced(_rate(_ended(*matchers), "outcome"), theirs, *matchers)
    return from_counters(f"{PER_MINUTE} * ({both})", _legend("outcome"))


def per_minute_in_all(*matchers: str, legend: str = "jobs") -> Query:
    """Executions that ended, a minute."""
    return from_counters(f"{PER_MINUTE} * {_rate(_ended(*matchers))}", legend)


def failed_per_minute(by: str, *matchers: str) -> Query:
    """Jobs that failed for good, a minute, by queue or function; only those with failures."""
    return from_counters(f"{PER_MINUTE} * {_rate(_ended(FAILED, *matchers), _labels(by))} > 0", _legend(by))


def count(*matchers: str) -> Query:
    """Executions that ended in the time range; 0 only if every worker counts its jobs."""
    counted = with_zero(_count(_ended(*matchers)), _ended())
    return from_counters(uninstrumented.known_zero(counted))


def count_by(by: str, *matchers: str) -> Query:
    """Executions that ended in the time range, by labels, without zeros."""
    return from_counters(f"{_count(_ended(*matchers), by)} > 0")


def failure_ratio(*matchers: str, by: str = "") -> Query:
    """The share of failures among the jobs that ended in the time range, by queue or of all.

    If workers are uninstrumented: among all executions, from RQ's own counts.
    """
    ours = _share_failed(lambda how: _count(_ended(how, *matchers), by))
    theirs = uninstrumented.failure_ratio(uninstrumented.INCREASE, by)
    return from_counters(uninstrumented.replaced(ours, theirs, *matchers, by=by))


def failure_ratio_over_time(*matchers: str) -> Query:
    """The same over time, by queue."""
    ours = _share_failed(lambda how: _rate(_ended(how, *matchers), BY_QUEUE))
    theirs = uninstrumented.failure_ratio(uninstrumented.RATE, BY_QUEUE)
    return from_counters(uninstrumented.replaced(ours, theirs, *matchers, by=BY_QUEUE), named("queue"))


def _share_failed(jobs: Callable[[str], str]) -> str:
    return f"{jobs(FAILED)} / ({jobs(ENDED)} > 0)"


def final_share_of_failures(*matchers: str) -> Query:
    """The share of failed executions in the time range that were not retried."""
    failed, retried = (_count(_ended(how, *matchers)) for how in (FAILED, RETRIED))
    return from_counters(f"{failed} / ({failed} + {retried} > 0)")


def top_failing_functions() -> Query:
    """The functions with the most failures in the time range, the worst first."""
    return _top(_count(_ended(QUEUE, FAILED), _labels("function")), "function")


def _top(counts: str, label: str) -> Query:
    return from_counters(f"sort_desc(topk({TOP}, {counts} > 0))", _legend(label))


# --- errors, retried ones included, by exception ---


def top_exceptions() -> Query:
    """The exceptions that ended the most executions in the time range, the worst first."""
    return _top(_count(_errors(QUEUE, FUNCTION), "exception"), "exception")


def exceptions_per_minute() -> Query:
    """Executions that ended with an error, a minute, by exception."""
    rate = _rate(_errors(QUEUE, FUNCTION), "exception")
    return from_counters(f"{PER_MINUTE} * {rate} > 0", _legend("exception"))


def work_horses_died(*matchers: str) -> Query:
    """Executions whose work horse died, in the time range; 0 only if every worker counts its jobs."""
    died = _count(_errors(one_of("exception", catalogue.WORK_HORSE_DEATHS), *matchers))
    return from_counters(uninstrumented.known_zero(with_zero(died, _ended())))


def lost_per_minute(*matchers: str) -> Query:
    """Executions that lost their work horse or their worker, a minute, by kind."""
    lost = one_of("exception", (*catalogue.WORK_HORSE_DEATHS, catalogue.ABANDONED))
    return from_counters(
        f"{PER_MINUTE} * {_rate(_errors(lost, *matchers), 'exception')}", _legend("exception")
    )


def exception_by_function(exception: str, *matchers: str) -> Query:
    """Executions that ended with this exception, a minute, by function, without zeros."""
    rate = _rate(_errors(equals("exception", exception), *matchers), _labels("function"))
    return from_counters(f"{PER_MINUTE} * {rate} > 0", _legend("function"))


def errors() -> Query:
    """Executions that ended with an error in the time range, by function and exception."""
    return from_counters(f"{_count(_errors(QUEUE, FUNCTION), ERRORS_BY)} > 0")


def first_error() -> Query:
    """When each error was first seen in the time range, in milliseconds."""
    return _error_time("min")


def last_error() -> Query:
    """When each error was last seen in the time range, in milliseconds."""
    return _error_time("max")


def _error_time(which: Literal["min", "max"]) -> Query:
    seen = select(recorded.FAILED_AT, QUEUE, FUNCTION)
    return from_rates(f"1000 * {which} by ({ERRORS_BY}) ({which}_over_time({seen}[$__range]))")
