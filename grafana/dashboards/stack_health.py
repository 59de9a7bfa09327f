"""Stack health: whether the monitoring itself works."""

from grafana import links
from grafana.common import A_MINUTE, ANY_IS_BAD, DATA_SOURCE_NAME, SAMPLES_A_SECOND, rq_dashboard
from grafana.layer.alert_list import alert_list
from grafana.layer.fields import value_mapping
from grafana.layer.layout import Heading, row
from grafana.layer.stat import stat
from grafana.layer.state_timeline import state_timeline
from grafana.layer.table import Column, Label, table
from grafana.layer.time_series import time_series
from grafana.queries import alerts, stack

UP = [value_mapping({0: ("down", "red"), 1: ("up", "green"), stack.NOT_SCRAPED: ("not scraped", "gray")})]
OK = [value_mapping({0: ("failing", "red"), 1: ("ok", "green")})]

NOT_SCRAPED = "Not scraped"
NO_REDIS_EXPORTER = "redis_exporter is not scraped"
NO_PROMETHEUS = "Prometheus does not scrape itself"
NO_MONITORING = "Neither Prometheus nor Alertmanager is scraped"

DASHBOARD = rq_dashboard(
    links.STACK_HEALTH,
    "Can I trust the other dashboards: do Redis, exporter, Prometheus and Alertmanager work?",
    choices=[],
    rows=[
        row(
            4,
            stat(
                "Services down",
                "Services that Prometheus scraped before and cannot scrape now. The timeline below names "
                "them.",
                stack.targets_down(),
                colours=ANY_IS_BAD,
            ),
            stat(
                "Redis readable",
                "Whether the exporter could read Redis in its last scrape. While it cannot, all RQ graphs "
                "have a gap.",
                stack.redis_readable(),
                mappings=UP,
                no_value="Exporter down",
            ),
            stat(
                "Redis persists",
                "Whether the last snapshot and the last write of the append-only file succeeded. If not, a "
                "restart of Redis loses jobs: check for a full disk. It needs redis_exporter.",
                stack.redis_persists(),
                mappings=OK,
                no_value=NOT_SCRAPED,
            ),
            stat(
                "Firing alerts",
                "Alerts that fire now. The Watchdog, which always fires, is not counted.",
                alerts.firing_alerts(),
                colours=ANY_IS_BAD,
            ),
            stat(
                "Series",
                "Series that Prometheus holds in memory. A steady climb: look for a label whose "
                "values keep changing.",
                stack.head_series(),
                no_value=NOT_SCRAPED,
            ),
            stat(
                "Stored",
                "Size of Prometheus' blocks on disk, without the newest two hours.",
                stack.stored_bytes(),
                unit="bytes",
                mappings=[value_mapping({0: ("none yet", "text")})],
                no_value=NOT_SCRAPED,
            ),
        ),
        row(
            7,
            state_timeline(
                "Services",
                "Whether Prometheus could scrape each service. A service that never answered shows as not "
                "scraped.",
                stack.targets_up(),
                states=UP,
            ),
            alert_list(
                "Alerts",
                "Alerts of Prometheus' rules that are pending or firing.",
                data_source_name=DATA_SOURCE_NAME,
            ),
            table(
                "Versions",
                "The version of each program, and how many instances run it.",
                [Label("program", "Program"), Label("version", "Version")],
                [Column("Instances", stack.versions())],
                sort_by="Program",
                descending=False,
            ),
            widths=(10, 7, 7),
        ),
        Heading("Redis"),
        row(
            8,
            time_series(
                "Memory",
                "Memory that Redis uses, and its limit if one is set. At the limit, Redis refuses jobs or "
                "evicts keys.",
                stack.redis_memory(),
                unit="bytes",
                series_colours={"limit": "red"},
                no_value=NO_REDIS_EXPORTER,
            ),
            time_series(
                "Clients",
                "Connections to Redis. Those that wait for a job are idle workers.",
                stack.redis_clients(),
                no_value=NO_REDIS_EXPORTER,
            ),
            time_series(
                "Commands",
                "Commands per second that Redis ran.",
                [stack.redis_commands()],
                unit="ops",
                no_value=NO_REDIS_EXPORTER,
            ),
            time_series(
                "Evictions and rejections",
                "Per minute: keys that Redis evicted because memory was full, which may be jobs, and "
                "clients it rejected. Must be zero.",
                stack.redis_losses(),
                unit=A_MINUTE,
                bars=True,
                series_colours={"keys evicted": "red", "connections rejected": "orange"},
                no_value=NO_REDIS_EXPORTER,
            ),
        ),
        Heading("Exporter"),
        row(
            8,
            time_series(
                "Scrape of the exporter",
                "How long the whole scrape takes, and rq-exporter's own part of it. Prometheus gives up "
                "after four seconds.",
                [stack.exporter_scrape_time(), stack.exporter_collect_time()],
                unit="s",
            ),
            time_series(
                "Exporter errors",
                "Per minute, by reason: data that the exporter could not read, and jobs that workers could "
                "not count.",
                [stack.exporter_errors(), stack.write_errors()],
                unit=A_MINUTE,
                bars=True,
                no_value="No error",
            ),
            time_series(
                "Samples by service",
                "Samples per scrape of each service: what it costs Prometheus.",
                [stack.scraped_samples()],
                stacked=True,
            ),
            time_series(
                "Scrape duration",
                "How long the scrape of each service takes.",
                [stack.scrape_durations()],
                unit="s",
            ),
        ),
        Heading("Prometheus and Alertmanager"),
        row(
            8,
            time_series(
                "Lost alerts and rules",
                "Per minute: alerts dropped, notifications that failed, and rule evaluations that failed "
                "or were missed. Must be zero, or alerts get lost.",
                stack.monitoring_losses(),
                unit=A_MINUTE,
                bars=True,
                no_value=NO_MONITORING,
            ),
            time_series(
                "Rule groups",
                "How long the last evaluation of each group of rules took.",
                [stack.rule_durations()],
                unit="s",
                legend="none",
                no_value=NO_PROMETHEUS,
            ),
            time_series(
                "Samples",
                "Samples per second that Prometheus stores.",
                [stack.samples()],
                unit=SAMPLES_A_SECOND,
                no_value=NO_PROMETHEUS,
            ),
            time_series(
                "Notifications",
                "Notifications per minute that Alertmanager sent, by kind of receiver.",
                [stack.notifications()],
                unit=A_MINUTE,
                bars=True,
                no_value="No notification, or Alertmanager is not scraped",
            ),
        ),
    ],
)
