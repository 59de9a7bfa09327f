"""Cron jobs."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.jobs import FAILED
from grafana.queries.promql import (
    AT_INSTANCE,
    BY_CRON_JOB,
    BY_FUNCTION,
    FUNCTION,
    PER_MINUTE,
    QUEUE,
    equals,
    from_histograms,
    from_rates,
    named,
    over_range,
    rates,
    select,
    with_zero,
)
from rq_mon import catalogue
from rq_mon.catalogue import Metric, TickResult

LATE = 60
"""Seconds after which a tick counts as late: cron's own resolution."""

CRON_RESOLUTION = "60s"

TICK_NUMBERS: dict[TickResult, int] = {"failed": 4, "missed": 3, "coalesced": 2, "enqueued": 1}
"""For a timeline, the worst first: it hides the others of the same step."""

OUTCOME_NUMBERS = {"success": 0, "failed": 1}

INFO_LABELS = f"{BY_CRON_JOB}, queue, function, schedule"


CHOSEN = (QUEUE, FUNCTION)


def _info(choices: Sequence[str] = CHOSEN) -> str:
    return f"max by ({INFO_LABELS}) ({select(catalogue.CRON_JOB_INFO, *choices)})"


def _of_chosen_jobs(series: str, choices: Sequence[str] = CHOSEN) -> str:
    """The maximum by cron job, of the cron jobs of the chosen queues and functions."""
    return f"(max by ({BY_CRON_JOB}) ({series}) and on ({BY_CRON_JOB}) {_info(choices)})"


def _late_by(choices: Sequence[str] = CHOSEN) -> str:
    return f"clamp_min(time() - {_of_chosen_jobs(select(catalogue.CRON_JOB_NEXT_TICK), choices)}, 0)"


def cron_jobs() -> Query:
    """Number of cron jobs."""
    return Query(f"count({_info()})")


def schedulers() -> Query:
    """Live cron schedulers of the Redis with the fewest, among those that have cron jobs."""
    return Query(f"min({_schedulers()})")


def schedulers_over_time() -> Query:
    """Live cron schedulers over time, if there are cron jobs."""
    return Query(_schedulers(), f"schedulers{AT_INSTANCE}")


def _schedulers() -> str:
    return f"max by (instance) ({select(catalogue.CRON_SCHEDULERS)}) and on (instance) {_info()}"


def late_jobs(choices: Sequence[str] = CHOSEN) -> Query:
    """Number of late cron jobs."""
    return Query(with_zero(f"count({_late_by(choices)} > {LATE})", _info(choices)))


def ticks(result: TickResult) -> Query:
    """Ticks with this result in the time range."""
    return Query(f"sum(increase({_ticks(result)}[$__range]) and on ({BY_CRON_JOB}) {_info()})", result)


def ticks_per_minute(result: TickResult) -> Query:
    rate = f"rate({_ticks(result)}[$__rate_interval]) and on ({BY_CRON_JOB}) {_info()}"
    return Query(f"{PER_MINUTE} * sum({rate})", result, min_step=CRON_RESOLUTION)


def _ticks(result: TickResult) -> str:
    return select(catalogue.CRON_TICKS, equals("result", result))


def tick_timeline() -> Query:
    """The number of the ticks' result in each step of the graph, by cron job."""
    steps = " or ".join(
        f"{number} * ({_of_chosen_jobs(f'increase({_ticks(result)}[$__rate_interval])')} > bool 0) > 0"
        for result, number in TICK_NUMBERS.items()
    )
    return Query(steps, named("cron_job"))


def late_by() -> Query:
    """How long each cron job is overdue, with function, queue and schedule; 0 for one without a next tick."""
    return Query(f"{_info()} * on ({BY_CRON_JOB}) group_left () {_late_by()} or 0 * {_info()}")


def is_paused() -> Query:
    """1 for each paused cron job, 0 for the others."""
    return Query(_of_chosen_jobs(select(catalogue.CRON_JOB_PAUSED)))


def late_by_over_time() -> Query:
    """How long each cron job is overdue."""
    return Query(_late_by(), named("cron_job"))


def last_tick() -> Query:
    """The last tick of each cron job that was enqueued, in milliseconds."""
    return _milliseconds(catalogue.CRON_JOB_LAST_TICK)


def next_tick() -> Query:
    """The next tick of each cron job, in milliseconds."""
    return _milliseconds(catalogue.CRON_JOB_NEXT_TICK)


def _milliseconds(metric: Metric) -> Query:
    return Query(f"1000 * {_of_chosen_jobs(select(metric))}")


def ticks_not_enqueued() -> Query:
    """Ticks of each cron job in the time range that did not run: missed, failed, or coalesced."""
    lost = select(catalogue.CRON_TICKS, 'result!="enqueued"')
    counts = f"sum by ({BY_CRON_JOB}) (increase({lost}[$__range]))"
    return Query(f"{counts} and on ({BY_CRON_JOB}) {_info()}")


def last_outcome() -> Query:
    """The number of the last outcome of the cron job's function in its queue, in the time range."""
    succeeded, failed = (_last_end(equals("outcome", "success")), _last_end(FAILED))
    latest = f"({failed} > bool {succeeded} or 0 * {succeeded} or 0 * {failed} + 1)"
    return from_rates(_per_cron_job(latest))


def _last_end(how: str) -> str:
    ended = select(recorded.ENDED_AT, QUEUE, FUNCTION, how)
    return f"max by ({BY_FUNCTION}) (max_over_time({ended}[$__range]))"


def run_time() -> Query:
    """Mean run time of the cron job's function in its queue, in the time range."""
    total, count = (
        f"max by ({BY_FUNCTION}) ({over_range(rates(name, QUEUE, FUNCTION))})"
        for name in (recorded.DURATION_SUM, recorded.DURATION_COUNT)
    )
    return from_histograms(_per_cron_job(f"({total} / ({count} > 0))"))


def _per_cron_job(by_queue_and_function: str) -> str:
    joined = f"{_info()} * on ({BY_FUNCTION}) group_left () {by_queue_and_function}"
    return f"max by ({BY_CRON_JOB}) ({joined})"
