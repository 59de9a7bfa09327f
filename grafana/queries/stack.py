"""Redis, the exporter, Prometheus and Alertmanager, by the names of their jobs in prometheus.yml."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import PER_MINUTE, equals, select
from scheduler import catalogue
from scheduler.catalogue import Metric
from stack.services import ALERTMANAGER, PROMETHEUS, REDIS_EXPORTER, RQ_EXPORTER, Service

SCRAPE_INTERVAL = "15s"
"""Of all but the exporter of RQ, which is scraped more often."""


def _of(service: Service, name: str, *matchers: str) -> str:
    return select(name, equals("job", service.name), *matchers)


def _gauge(service: Service, name: str, legend: str = "__auto") -> Query:
    return Query(f"max({_of(service, name)})", legend, min_step=SCRAPE_INTERVAL)


def _rate(service: Service, name: str, legend: str = "__auto") -> Query:
    return Query(f"sum(rate({_of(service, name)}[$__rate_interval]))", legend, min_step=SCRAPE_INTERVAL)


def _per_minute(service: Service, name: str, legend: str) -> Query:
    rate = f"sum(rate({_of(service, name)}[$__rate_interval]))"
    return Query(f"{PER_MINUTE} * {rate}", legend, min_step=SCRAPE_INTERVAL)


# --- all services ---


def targets_down() -> Query:
    """How many services Prometheus cannot scrape."""
    return Query("count(up == 0) or 0 * count(up)")


def targets_up() -> Query:
    """Whether Prometheus could scrape each service."""
    return Query("min by (job) (up)", "{{job}}", min_step=SCRAPE_INTERVAL)


def scrape_durations() -> Query:
    """How long the scrape of each service took."""
    return Query("max by (job) (scrape_duration_seconds)", "{{job}}", min_step=SCRAPE_INTERVAL)


def scraped_samples() -> Query:
    """How many series each service serves."""
    return Query("sum by (job) (scrape_samples_scraped)", "{{job}}", min_step=SCRAPE_INTERVAL)


def versions() -> Query:
    """Version of each program."""
    own = f"{catalogue.EXPORTER_BUILD_INFO.name}"
    redis = 'label_replace(redis_instance_info, "version", "$1", "redis_version", "(.+)")'
    redis = f'label_replace({redis}, "job", "redis", "", "")'
    infos = " or ".join((own, redis, "prometheus_build_info", "alertmanager_build_info"))
    return Query(f"count by (job, version) ({infos})")


# --- the exporter ---


def redis_readable() -> Query:
    """Whether the exporter could read Redis."""
    return Query(f"min({catalogue.REDIS_UP.name})")


def exporter_collect_time() -> Query:
    """Mean time that rq-exporter's own collector took."""
    total, count = (f"sum(rate({name}[$__rate_interval]))" for name in reversed(_summary()))
    return Query(f"{total} / ({count} > 0)", "rq-exporter's collector")


def _summary() -> tuple[str, ...]:
    return catalogue.REQUEST_PROCESSING.series


def exporter_scrape_time() -> Query:
    """How long scrapes of the exporter took, all collectors together."""
    return Query(f"max({_of(RQ_EXPORTER, 'scrape_duration_seconds')})", "whole scrape")


def exporter_errors() -> Query:
    """What the exporter could not read, a minute, by reason."""
    return _errors(catalogue.EXPORTER_ERRORS, "exporter: {{reason}}")


def write_errors() -> Query:
    """Jobs that workers could not count, a minute, by reason."""
    return _errors(catalogue.JOB_METRICS_WRITE_ERRORS, "worker: {{reason}}")


def _errors(metric: Metric, legend: str) -> Query:
    return Query(f"{PER_MINUTE} * sum by (reason) (rate({metric.name}[$__rate_interval])) > 0", legend)


# --- Redis ---


def redis_memory() -> list[Query]:
    """Memory that Redis uses, and its limit where there is one."""
    limit = f"max({_of(REDIS_EXPORTER, 'redis_memory_max_bytes')}) > 0"
    return [
        _gauge(REDIS_EXPORTER, "redis_memory_used_bytes", "used"),
        Query(limit, "limit", min_step=SCRAPE_INTERVAL),
    ]


def redis_persists() -> Query:
    """Whether the last save and the last write of the append-only file went well."""
    saved, appended = (
        f"min({_of(REDIS_EXPORTER, name)})"
        for name in ("redis_rdb_last_bgsave_status", "redis_aof_last_write_status")
    )
    return Query(f"{saved} * {appended}")


def redis_commands() -> Query:
    """Commands a second."""
    return _rate(REDIS_EXPORTER, "redis_commands_processed_total", "commands")


def redis_clients() -> list[Query]:
    """Connections, and those that wait for a job."""
    return [
        _gauge(REDIS_EXPORTER, "redis_connected_clients", "connected"),
        _gauge(REDIS_EXPORTER, "redis_blocked_clients", "waiting for a job"),
    ]


def redis_losses() -> list[Query]:
    """Keys thrown away for want of memory, and clients turned away, a minute."""
    return [
        _per_minute(REDIS_EXPORTER, "redis_evicted_keys_total", "keys evicted"),
        _per_minute(REDIS_EXPORTER, "redis_rejected_connections_total", "connections rejected"),
    ]


# --- Prometheus and Alertmanager ---


def head_series() -> Query:
    """Series in Prometheus' memory."""
    return _gauge(PROMETHEUS, "prometheus_tsdb_head_series", "series")


def samples() -> Query:
    """Samples a second that Prometheus takes in."""
    return _rate(PROMETHEUS, "prometheus_tsdb_head_samples_appended_total", "samples")


def stored_bytes() -> Query:
    """Size of Prometheus' blocks on disk."""
    return _gauge(PROMETHEUS, "prometheus_tsdb_storage_blocks_bytes", "blocks")


def rule_durations() -> Query:
    """How long the last evaluation of each group of rules took."""
    duration = _of(PROMETHEUS, "prometheus_rule_group_last_duration_seconds")
    group = f'label_replace({duration}, "group", "$1", "rule_group", ".*;(.+)")'
    return Query(f"max by (group) ({group})", "{{group}}", min_step=SCRAPE_INTERVAL)


def monitoring_losses() -> list[Query]:
    """What Prometheus and Alertmanager failed to do, a minute."""
    return [
        _per_minute(PROMETHEUS, "prometheus_rule_evaluation_failures_total", "rule evaluations failed"),
        _per_minute(PROMETHEUS, "prometheus_rule_group_iterations_missed_total", "rule evaluations missed"),
        _per_minute(PROMETHEUS, "prometheus_notifications_dropped_total", "alerts dropped"),
        _per_minute(ALERTMANAGER, "alertmanager_notifications_failed_total", "notifications failed"),
    ]


def notifications() -> Query:
    """Notifications that Alertmanager sent, a minute, by where they went."""
    sent = _of(ALERTMANAGER, "alertmanager_notifications_total")
    # Alertmanager counts each way it could send from the start: leave out the unused.
    return Query(
        f"{PER_MINUTE} * sum by (integration) (rate({sent}[$__rate_interval])) > 0",
        "{{integration}}",
        min_step=SCRAPE_INTERVAL,
    )
