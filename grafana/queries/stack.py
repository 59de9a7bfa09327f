"""Redis, the exporter, Prometheus and Alertmanager, each identified by a series that only it serves."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import AT_INSTANCE, PER_MINUTE, select, selector
from rq_mon import catalogue
from rq_mon.catalogue import Metric

SCRAPE_INTERVAL = "15s"
"""For all programs but rq-exporter, which is scraped more often."""

OF_A_REDIS = {"rq-exporter": catalogue.EXPORTER_BUILD_INFO.name, "redis-exporter": "redis_up"}
"""Programs that each Redis has one of, by instance; each with a series that only it serves."""

OF_THE_MONITORING = {
    "prometheus": "prometheus_build_info",
    "alertmanager": "alertmanager_build_info",
    "grafana": "grafana_build_info",
}

NOT_SCRAPED = 2
"""In addition to 0 for down and 1 for up: Prometheus has had no answer from the program for an hour."""

OUR_GROUPS = 'rule_group=~".+;rq-.+"'
"""Rule groups of these dashboards, whatever their files are named."""


def _of_redis(operation: str, series: str) -> str:
    return f"{operation} by (instance) ({series})"


def _named(expr: str, program: str) -> str:
    return f'label_replace({expr}, "program", "{program}", "", "")'


def _seen(series: str) -> str:
    return f"last_over_time({series}[1h])"


def _targets(name: str, own_series: str) -> str:
    """A metric that Prometheus writes for each scrape, of the targets that serve a series."""
    return f"{name} and on (job, instance) {_seen(own_series)}"


def _each_program(operation: str, name: str) -> str:
    """The same metric by program. Programs of a Redis appear for each chosen one."""
    return " or ".join(
        [
            *(
                _named(_of_redis(operation, _targets(select(name), own)), program)
                for program, own in OF_A_REDIS.items()
            ),
            *(
                _named(f"{operation}({_targets(name, own)})", program)
                for program, own in OF_THE_MONITORING.items()
            ),
        ]
    )


def _of_each_program(operation: str, name: str) -> Query:
    return Query(_each_program(operation, name), f"{{{{program}}}}{AT_INSTANCE}", min_step=SCRAPE_INTERVAL)


# --- all programs ---


def targets_down() -> Query:
    """Number of targets of these programs that Prometheus cannot scrape."""
    return Query(f"count(({_each_program('min', 'up')}) == 0) or 0 * count(up)")


def targets_up() -> Query:
    """Whether Prometheus could scrape each program, or does not know it.

    What is missing is judged at the end of the time range, so that a new program has one row, too.
    """
    missing = (
        _named(f"{NOT_SCRAPED} * absent(last_over_time({series}[1h] @ end()))", program)
        for program, series in (
            *((program, select(own)) for program, own in OF_A_REDIS.items()),
            *OF_THE_MONITORING.items(),
        )
    )
    all_ = " or ".join([_each_program("min", "up"), *missing])
    return Query(all_, f"{{{{program}}}}{AT_INSTANCE}", min_step=SCRAPE_INTERVAL)


def scrape_durations() -> Query:
    """Scrape duration of each program."""
    return _of_each_program("max", "scrape_duration_seconds")


def scraped_samples() -> Query:
    """Number of series that each program serves."""
    return _of_each_program("sum", "scrape_samples_scraped")


def versions() -> Query:
    redis = f'label_replace({select("redis_instance_info")}, "version", "$1", "redis_version", "(.+)")'
    infos = {
        "rq-exporter": select(catalogue.EXPORTER_BUILD_INFO),
        "redis": redis,
        **OF_THE_MONITORING,
    }
    each = " or ".join(_named(info, program) for program, info in infos.items())
    return Query(f"count by (program, version) ({each})")


# --- the exporter ---


def redis_readable() -> Query:
    """Whether the exporter could read Redis."""
    return Query(f"min({select(catalogue.REDIS_UP)})")


def exporter_collect_time() -> Query:
    """Mean time that rq-exporter's own collector took."""
    total, count = (
        f"sum by (instance) (rate({select(name)}[$__rate_interval]))"
        for name in reversed(catalogue.REQUEST_PROCESSING.series)
    )
    return Query(f"{total} / ({count} > 0)", f"rq-exporter's collector{AT_INSTANCE}")


def exporter_scrape_time() -> Query:
    """Duration of scrapes of the exporter, with all collectors."""
    scrapes = _targets(select("scrape_duration_seconds"), OF_A_REDIS["rq-exporter"])
    return Query(_of_redis("max", scrapes), f"whole scrape{AT_INSTANCE}", min_step=SCRAPE_INTERVAL)


def exporter_errors() -> Query:
    """What the exporter could not read, a minute, by reason."""
    return _errors(catalogue.EXPORTER_ERRORS, "exporter: {{reason}}")


def write_errors() -> Query:
    """Jobs that workers could not count, a minute, by reason."""
    return _errors(catalogue.JOB_METRICS_WRITE_ERRORS, "worker: {{reason}}")


def _errors(metric: Metric, legend: str) -> Query:
    rate = f"sum by (instance, reason) (rate({select(metric)}[$__rate_interval]))"
    return Query(f"{PER_MINUTE} * {rate} > 0", f"{legend}{AT_INSTANCE}")


# --- Redis ---


def _redis_gauge(name: str, legend: str) -> Query:
    return Query(_of_redis("max", select(name)), f"{legend}{AT_INSTANCE}", min_step=SCRAPE_INTERVAL)


def _redis_rate(name: str, legend: str, factor: str = "") -> Query:
    rate = _of_redis("sum", f"rate({select(name)}[$__rate_interval])")
    return Query(f"{factor}{rate}", f"{legend}{AT_INSTANCE}", min_step=SCRAPE_INTERVAL)


def redis_memory() -> list[Query]:
    """Memory that Redis uses, and its limit if it has one."""
    used, limit = (
        _redis_gauge("redis_memory_used_bytes", "used"),
        _redis_gauge("redis_memory_max_bytes", "limit"),
    )
    return [used, Query(f"{limit.expr} > 0", limit.legend, min_step=SCRAPE_INTERVAL)]


def redis_persists() -> Query:
    """Whether the last save, and the last write of the append-only file, succeeded."""
    saved, appended = (
        f"min({select(name)})" for name in ("redis_rdb_last_bgsave_status", "redis_aof_last_write_status")
    )
    return Query(f"{saved} * {appended}")


def redis_commands() -> Query:
    return _redis_rate("redis_commands_processed_total", "commands")


def redis_clients() -> list[Query]:
    """Connections, and those that wait for a job."""
    return [
        _redis_gauge("redis_connected_clients", "connected"),
        _redis_gauge("redis_blocked_clients", "waiting for a job"),
    ]


def redis_losses() -> list[Query]:
    """Keys evicted and clients rejected, per minute."""
    return [
        _redis_rate("redis_evicted_keys_total", "keys evicted", f"{PER_MINUTE} * "),
        _redis_rate("redis_rejected_connections_total", "connections rejected", f"{PER_MINUTE} * "),
    ]


# --- Prometheus and Alertmanager ---


def _gauge(name: str, legend: str) -> Query:
    return Query(f"max({name})", legend, min_step=SCRAPE_INTERVAL)


def _rate(series: str, legend: str, factor: str = "") -> Query:
    return Query(f"{factor}sum(rate({series}[$__rate_interval]))", legend, min_step=SCRAPE_INTERVAL)


def _per_minute(name: str, legend: str, *matchers: str) -> Query:
    return _rate(selector(name, *matchers), legend, f"{PER_MINUTE} * ")


def head_series() -> Query:
    """Series in Prometheus' memory."""
    return _gauge("prometheus_tsdb_head_series", "series")


def samples() -> Query:
    """Samples a second that Prometheus ingests."""
    return _rate("prometheus_tsdb_head_samples_appended_total", "samples")


def stored_bytes() -> Query:
    """Size of Prometheus' blocks on disk."""
    return _gauge("prometheus_tsdb_storage_blocks_bytes", "blocks")


def rule_durations() -> Query:
    """Duration of the last evaluation of each group of our rules."""
    duration = selector("prometheus_rule_group_last_duration_seconds", OUR_GROUPS)
    group = f'label_replace({duration}, "group", "$1", "rule_group", ".*;(.+)")'
    return Query(f"max by (group) ({group})", "{{group}}", min_step=SCRAPE_INTERVAL)


def monitoring_losses() -> list[Query]:
    """What Prometheus and Alertmanager failed to do, a minute."""
    return [
        _per_minute("prometheus_rule_evaluation_failures_total", "rule evaluations failed", OUR_GROUPS),
        _per_minute("prometheus_rule_group_iterations_missed_total", "rule evaluations missed", OUR_GROUPS),
        _per_minute("prometheus_notifications_dropped_total", "alerts dropped"),
        _per_minute("alertmanager_notifications_failed_total", "notifications failed"),
    ]


def notifications() -> Query:
    """Notifications that Alertmanager sent, a minute, by integration."""
    # Alertmanager exports every integration from the start: leave out the unused ones.
    return Query(
        f"{PER_MINUTE} * sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval])) > 0",
        "{{integration}}",
        min_step=SCRAPE_INTERVAL,
    )
