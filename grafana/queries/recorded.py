"""Names of the recording rules, and how often they are evaluated.

The rules, and their purpose, are in recording.yml, long-ranges.yml, error-budgets.yml, needed.yml and
changes.yml in prometheus/rules. Names follow Prometheus' convention: remaining labels, metric, operations.
"""

from rq_mon import catalogue

FROM_ZERO, FROM_ZERO_OVER_DAYS = "from_zero", "last2m_from_zero"
RATE, RATE_OVER_DAYS = "rate5m", "avg10m_rate5m"
"""Operations of a series, and of the same with fewer samples."""

PROCESSED = f"queue_function_outcome:{catalogue.JOBS_PROCESSED.name}:{FROM_ZERO}"
FAILURES = f"queue_function_exception:{catalogue.JOB_FAILURES.name}:{FROM_ZERO}"
COUNTERS_INTERVAL = "15s"

DURATION_BUCKETS = f"queue_function_le:{catalogue.JOB_DURATION.name}_bucket:{RATE}"
DURATION_SUM = f"queue_function:{catalogue.JOB_DURATION.name}_sum:{RATE}"
DURATION_COUNT = f"queue_function:{catalogue.JOB_DURATION.name}_count:{RATE}"
WAIT_BUCKETS = f"queue_le:{catalogue.JOB_WAIT.name}_bucket:{RATE}"
HISTOGRAMS_INTERVAL = "1m"
HISTOGRAMS_WINDOW = "5m"

COMPLETION_RATE = f"queue_outcome:{catalogue.JOBS_PROCESSED.name.removesuffix('_total')}:rate5m"
ENDED_AT = f"queue_function_outcome:{catalogue.JOBS_PROCESSED.name}:timestamp_increase1m"
FAILED_AT = f"queue_function_exception:{catalogue.JOB_FAILURES.name}:timestamp_increase1m"
RATES_INTERVAL = "30s"

OBJECTIVE_EVENTS = "queue_objective:rq_objective_events:rate5m"
OBJECTIVE_ERRORS = "queue_objective:rq_objective_errors:rate5m"
OBJECTIVE_BUDGET = "queue_objective:rq_objective_budget:ratio"
"""From the rules on error budgets, every RATES_INTERVAL, too."""

WORKERS_NEEDED = "queue:rq_workers_needed:now"
WORKERS_NEEDED_STEPS = (
    f"le:{catalogue.JOB_DURATION.name}_bucket:weight",
    "queue:rq_jobs_arrived:rate5m",
    f"queue:{catalogue.JOB_DURATION.name}:mean15m",
    f"queue:{catalogue.JOB_DURATION.name}:variation15m",
    *(f"queue:rq_workers_needed:{step}" for step in ("load", "patience", "spare")),
)
WORKERS_NEEDED_AT_PEAK = "queue:rq_workers_needed:max1d"
"""From the rules on needed workers, every RATES_INTERVAL, too."""

VERSION_STEPS = tuple(
    f"version:{catalogue.WORKER_VERSION_INFO.name}:{step}" for step in ("count", "seen", "began")
)
"""New versions are found with these."""
NEW_VERSIONS = f"version:{catalogue.WORKER_VERSION_INFO.name}:new5m"
CRON_CHANGES = f"cron_job:{catalogue.CRON_JOB_INFO.name}:changed5m"
REDIS_RESTARTS = "redis_uptime_in_seconds:resets5m"
"""From the rules on changes, and on Redis."""

RECORDED = {
    COUNTERS_INTERVAL: (PROCESSED, FAILURES),
    HISTOGRAMS_INTERVAL: (DURATION_BUCKETS, DURATION_SUM, DURATION_COUNT, WAIT_BUCKETS),
    RATES_INTERVAL: (COMPLETION_RATE, ENDED_AT, FAILED_AT),
}
"""Every rule of prometheus/rules/recording.yml, by the interval of its group."""

COUNTERS_INTERVAL_OVER_DAYS, HISTOGRAMS_INTERVAL_OVER_DAYS = "2m", "10m"


def over_days(series: str) -> str:
    """The name of the series of long-ranges.yml that has fewer samples than this one, and says the same."""
    base, _, operations = series.rpartition(":")
    return f"{base}:{OVER_DAYS[operations]}"


OVER_DAYS = {FROM_ZERO: FROM_ZERO_OVER_DAYS, RATE: RATE_OVER_DAYS}
RECORDED_OVER_DAYS = {
    COUNTERS_INTERVAL_OVER_DAYS: tuple(map(over_days, RECORDED[COUNTERS_INTERVAL])),
    HISTOGRAMS_INTERVAL_OVER_DAYS: tuple(map(over_days, RECORDED[HISTOGRAMS_INTERVAL])),
}
"""Every rule of prometheus/rules/long-ranges.yml, by the interval of its group."""

ALL_RECORDED = (
    *(name for rules in (RECORDED, RECORDED_OVER_DAYS) for names in rules.values() for name in names),
    *(OBJECTIVE_EVENTS, OBJECTIVE_ERRORS, OBJECTIVE_BUDGET),
    *(*WORKERS_NEEDED_STEPS, WORKERS_NEEDED, WORKERS_NEEDED_AT_PEAK),
    *(*VERSION_STEPS, NEW_VERSIONS, CRON_CHANGES, REDIS_RESTARTS),
)
"""Every recorded series that the dashboards read, and those that they are computed from."""
