"""How many jobs ended, and how.

Counts come from counters that start at zero, so that the first failure of a function counts too.
"""

from __future__ import annotations

from dataclasses import replace

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.promql import (
    FUNCTION,
    PER_MINUTE,
    QUEUE,
    equals,
    from_counters,
    from_rates,
    one_of,
    select,
    with_zero,
)
from scheduler import catalogue

FAILED = one_of("outcome", ("failed", "abandoned"))
ENDED = one_of("outcome", ("success", "failed", "abandoned"))
"""Came to an end by themselves: a retried job has not yet, a stopped one was told to."""

RETRIED = equals("outcome", "retried")
ABANDONED = equals("outcome", "abandoned")

TIMED_OUT = "JobTimeoutException"
"""RQ's own class for a job that ran longer than its timeout allows."""

TOP = 10


def _processed(*matchers: str) -> str:
    return select(recorded.PROCESSED, *matchers)


def _failures(*matchers: str) -> str:
    return select(recorded.FAILURES, *matchers)


def _raised(exception: str, *matchers: str) -> str:
    return _failures(equals("exception", exception), *matchers)


def per_minute(by: str, *matchers: str) -> Query:
    """Executions that ended, a minute, by a label of queue, function and outcome."""
    rate = f"rate({_processed(*matchers)}[$__rate_interval])"
    return from_counters(f"{PER_MINUTE} * sum by ({by}) ({rate})", f"{{{{{by}}}}}")


def per_minute_in_all(*matchers: str, legend: str = "jobs") -> Query:
    """Executions that ended, a minute."""
    return from_counters(f"{PER_MINUTE} * sum(rate({_processed(*matchers)}[$__rate_interval]))", legend)


def failed_per_minute(by: str, *matchers: str) -> Query:
    """Jobs that failed for good, a minute, by queue or function; none of what did not fail."""
    query = per_minute(by, FAILED, *matchers)
    return replace(query, expr=f"{query.expr} > 0")


def count(*matchers: str) -> Query:
    """Executions that ended in the chosen time; 0 only where jobs are measured."""
    increase = f"sum(increase({_processed(*matchers)}[$__range]))"
    return from_counters(with_zero(increase, recorded.PROCESSED))


def failure_ratio(*matchers: str) -> Query:
    """Of the jobs that ended in the chosen time, how many failed."""
    failed, ended = (f"sum(increase({_processed(how, *matchers)}[$__range]))" for how in (FAILED, ENDED))
    return from_counters(f"{failed} / ({ended} > 0)")


def failure_ratio_over_time(by: str, *matchers: str) -> Query:
    """Of the jobs that ended, how many failed, over time, by queue or function."""
    failed, ended = (
        f"sum by ({by}) (rate({_processed(how, *matchers)}[$__rate_interval]))" for how in (FAILED, ENDED)
    )
    return from_counters(f"{failed} / ({ended} > 0)", f"{{{{{by}}}}}")


def failure_ratio_by(by: str, *matchers: str) -> Query:
    """Of the jobs that ended in the chosen time, how many failed, by labels."""
    failed, ended = (
        f"sum by ({by}) (increase({_processed(how, *matchers)}[$__range]))" for how in (FAILED, ENDED)
    )
    return from_counters(f"{failed} / ({ended} > 0)")


def count_by(by: str, *matchers: str) -> Query:
    """Executions that ended in the chosen time, by labels; none that had none."""
    return from_counters(f"sum by ({by}) (increase({_processed(*matchers)}[$__range])) > 0")


def top_failing_functions() -> Query:
    """The functions that failed most in the chosen time, the worst first."""
    failed = f"sum by (function) (increase({_processed(QUEUE, FAILED)}[$__range])) > 0"
    return from_counters(f"sort_desc(topk({TOP}, {failed}))", "{{function}}")


def top_exceptions() -> Query:
    """The exceptions that ended most executions in the chosen time, the worst first."""
    raised = f"sum by (exception) (increase({_failures(QUEUE, FUNCTION)}[$__range])) > 0"
    return from_counters(f"sort_desc(topk({TOP}, {raised}))", "{{exception}}")


def exceptions_per_minute() -> Query:
    """Executions that ended with an error, a minute, by exception."""
    rate = f"rate({_failures(QUEUE, FUNCTION)}[$__rate_interval])"
    return from_counters(f"{PER_MINUTE} * sum by (exception) ({rate}) > 0", "{{exception}}")


def exception_count(exception: str, *matchers: str) -> Query:
    """Executions that ended with this exception in the chosen time; 0 only where jobs are measured."""
    raised = f"sum(increase({_raised(exception, *matchers)}[$__range]))"
    return from_counters(with_zero(raised, recorded.PROCESSED), exception)


def exception_by_function(exception: str, *matchers: str) -> Query:
    """Executions that ended with this exception, a minute, by function; none of what did not."""
    rate = f"rate({_raised(exception, *matchers)}[$__rate_interval])"
    return from_counters(f"{PER_MINUTE} * sum by (function) ({rate}) > 0", "{{function}}")


def exceptions_over_time(exception: str, *matchers: str) -> Query:
    """Executions that ended with this exception, a minute."""
    rate = f"rate({_raised(exception, *matchers)}[$__rate_interval])"
    return from_counters(f"{PER_MINUTE} * sum({rate})", exception)


ERRORS_BY = "queue, function, exception"


def errors() -> Query:
    """Executions that ended with an error in the chosen time, by function and exception."""
    return from_counters(f"sum by ({ERRORS_BY}) (increase({_failures(QUEUE, FUNCTION)}[$__range])) > 0")


def first_error() -> Query:
    """When each error was first seen in the chosen time, in milliseconds."""
    return _error_time("min")


def last_error() -> Query:
    """When each error was last seen in the chosen time, in milliseconds."""
    return _error_time("max")


def _error_time(which: str) -> Query:
    seen = select(recorded.FAILED_AT, QUEUE, FUNCTION)
    return from_rates(f"1000 * {which} by ({ERRORS_BY}) ({which}_over_time({seen}[$__range]))")


def final_share_of_failures(*matchers: str) -> Query:
    """Of the executions that failed in the chosen time, how many were not retried."""
    failed, retried = (f"sum(increase({_processed(how, *matchers)}[$__range]))" for how in (FAILED, RETRIED))
    return from_counters(f"{failed} / ({failed} + {retried} > 0)")


def in_registry(status: str) -> Query:
    """Jobs in this state now, whoever runs them."""
    return Query(f"sum({select(catalogue.JOBS, QUEUE, equals('status', status))})")
