"""Metrics of other programs that the rules read."""

from __future__ import annotations

from stack.services import ALERTMANAGER, PROMETHEUS, REDIS_EXPORTER, Service

FOREIGN: dict[str, Service | None] = {
    "up": None,
    "redis_up": REDIS_EXPORTER,
    "redis_memory_used_bytes": REDIS_EXPORTER,
    "redis_memory_max_bytes": REDIS_EXPORTER,
    "redis_uptime_in_seconds": REDIS_EXPORTER,
    "redis_evicted_keys_total": REDIS_EXPORTER,
    "redis_rdb_last_bgsave_status": REDIS_EXPORTER,
    "redis_aof_last_write_status": REDIS_EXPORTER,
    "redis_aof_last_bgrewrite_status": REDIS_EXPORTER,
    "prometheus_rule_evaluation_failures_total": PROMETHEUS,
    "alertmanager_build_info": ALERTMANAGER,
    "alertmanager_notifications_failed_total": ALERTMANAGER,
}
"""The programs that serve them. Prometheus itself writes `up` for every scrape."""
