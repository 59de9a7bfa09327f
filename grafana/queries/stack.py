"""Redis, the exporter, Prometheus and Alertmanager, by the names of their jobs in prometheus.yml."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import AT_INSTANCE, PER_MINUTE, equals, one_of, select, selector
from rq_mon import catalogue
from rq_mon.catalogue import Metric
from stack.services import ALERTMANAGER, PROMETHEUS, REDIS_EXPORTER, RQ_EXPORTER, Service

SCRAPE_INTERVAL = "15s"
"""Of all but the exporter of RQ, which is scraped more often."""


OF_A_REDIS = (RQ_EXPORTER, REDIS_EXPORTER)
"""Services that there is one of for each Redis, which is their instance."""


def _of(service: Service, name: str) -> str:
    job = equals("job", service.name)
    return select(name, job) if service in OF_A_REDIS else selector(name, job)


def _by(service: Service, operation: str, series: str) -> str:
    return f"{operation} by (instance) ({series})" if service in OF_A_REDIS else f"{operation}({series})"


def _legend(service: Service, text: str) -> str:
    return f"{text}{AT_INSTANCE}" if service in OF_A_REDIS else text


def _gauge(service: Service, name: str, legend: str) -> Query:
    series = _by(service, "max", _of(service, name))
    return Query(series, _legend(service, legend), min_step=SCRAPE_INTERVAL)


def _rate(service: Service, name: str, legend: str, factor: str = "") -> Query:
    rate = _by(service, "sum", f"rate({_of(service, name)}[$__rate_interval])")
    return Query(f"{factor}{rate}", _legend(service, legend), min_step=SCRAPE_INTERVAL)


def _per_minute(service: Service, name: str, legend: str) -> Query:
    return _rate(service, name, legend, factor=f"{PER_MINUTE} * ")


def _each_service(operation: str, name: str) -> str:
    """A metric of Prometheus' own about each service; of those of a Redis, about each of the chosen ones."""
    names = one_of("job", (service.name for service in OF_A_REDIS))
    others = names.replace("=~", "!~")
    return (
        f"{operation} by (job, instance) ({select(name, names)})"
        f" or {operation} by (job) ({selector(name, others)})"
    )


# --- all services ---


def targets_down() -> Query:
    """How many services Prometheus cannot scrape."""
    return Query(f"count(({_each_service('min', 'up')}) == 0) or 0 * count(up)")


def targets_up() -> Query:
    """Whether Prometheus could scrape each service."""
    return _of_each_service("min", "up")


def scrape_durations() -> Query:
    """How long the scrape of each service took."""
    return _of_each_service("max", "scrape_duration_seconds")


def scraped_samples() -> Query:
    """How many series each service serves."""
    return _of_each_service("sum", "scrape_samples_scraped")


def _of_each_service(operation: str, name: str) -> Query:
    return Query(_each_service(operation, name), f"{{{{job}}}}{AT_INSTANCE}", min_step=SCRAPE_INTERVAL)


def versions() -> Query:
    """Version of each program."""
    own = select(catalogue.EXPORTER_BUILD_INFO)
    redis = f'label_replace({select("redis_instance_info")}, "version", "$1", "redis_version", "(.+)")'
    redis = f'label_replace({redis}, "job", "redis", "", "")'
    infos = " or ".join((own, redis, "prometheus_build_info", "alertmanager_build_info"))
    return Query(f"count by (job, version) ({infos})")


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
    """How long scrapes of the exporter took, all collectors together."""
    whole = _by(RQ_EXPORTER, "max", _of(RQ_EXPORTER, "scrape_duration_seconds"))
    return Query(whole, f"whole scrape{AT_INSTANCE}")


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


def redis_memory() -> list[Query]:
    """Memory that Redis uses, and its limit where there is one."""
    limit = _by(REDIS_EXPORTER, "max", _of(REDIS_EXPORTER, "redis_memory_max_bytes"))
    return [
        _gauge(REDIS_EXPORTER, "redis_memory_used_bytes", "used"),
        Query(f"{limit} > 0", f"limit{AT_INSTANCE}", min_step=SCRAPE_INTERVAL),
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
