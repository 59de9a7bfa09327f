"""Stack health: who watches the watchers."""

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

NO_REDIS_EXPORTER = "redis_exporter is not scraped"
NO_PROMETHEUS = "Prometheus does not scrape itself"
NO_MONITORING = "Neither Prometheus nor Alertmanager is scraped"

DASHBOARD = rq_dashboard(
    links.STACK_HEALTH,
    "Can the other dashboards be believed: do Redis, exporter, Prometheus and Alertmanager work?",
    choices=[],
    rows=[
        row(
            4,
            stat(
                "Services down",
                "Services that Prometheus has scraped and now cannot; which ones: below.",
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
                "Whether the last snapshot and the last write of the append-only file went well. If not, the "
                "next restart of Redis loses jobs: look for a full disk.",
                stack.redis_persists(),
                mappings=OK,
                no_value=NO_REDIS_EXPORTER,
            ),
            stat(
                "Firing alerts",
                "Alerts that fire now, the always firing Watchdog left out.",
                alerts.firing_alerts(),
                colours=ANY_IS_BAD,
            ),
            stat(
                "Series",
                "Series in Prometheus' memory.",
                stack.head_series(),
                sparkline=True,
                no_value=NO_PROMETHEUS,
            ),
            stat(
                "Stored",
                "Size of Prometheus' blocks on disk; the newest two hours are not in it.",
                stack.stored_bytes(),
                unit="bytes",
                sparkline=True,
                no_value=NO_PROMETHEUS,
            ),
        ),
        row(
            7,
            state_timeline(
                "Services",
                "Whether Prometheus could scrape each service. One that never answered is not scraped, as "
                "far as Prometheus knows.",
                stack.targets_up(),
                states=UP,
            ),
            alert_list(
                "Alerts",
                "Pending and firing alerts of Prometheus' rules.",
                data_source_name=DATA_SOURCE_NAME,
            ),
            table(
                "Versions",
                "What runs.",
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
                "What Redis uses, and its limit where it has one. At the limit it refuses jobs or evicts "
                "keys.",
                stack.redis_memory(),
                unit="bytes",
                series_colours={"limit": "red"},
                no_value=NO_REDIS_EXPORTER,
            ),
            time_series(
                "Clients",
                "Connections to Redis; those that wait for a job are the idle workers.",
                stack.redis_clients(),
                no_value=NO_REDIS_EXPORTER,
            ),
            time_series(
                "Commands",
                "Commands that Redis ran.",
                [stack.redis_commands()],
                unit="ops",
                no_value=NO_REDIS_EXPORTER,
            ),
            time_series(
                "Evictions and rejections",
                "Keys that Redis threw away for want of memory, which may be jobs, and clients it turned "
                "away, a minute. Must be zero.",
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
                "What the exporter could not read, and jobs that workers could not count, a minute, by "
                "reason.",
                [stack.exporter_errors(), stack.write_errors()],
                unit=A_MINUTE,
                bars=True,
                no_value="No error",
            ),
            time_series(
                "Samples by service",
                "How many samples a scrape gives: what each service costs Prometheus.",
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
                "What Prometheus and Alertmanager failed to do, a minute. Must be zero, or alerts get lost.",
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
                no_value=NO_PROMETHEUS,
            ),
            time_series(
                "Samples",
                "Samples a second that Prometheus takes in.",
                [stack.samples()],
                unit=SAMPLES_A_SECOND,
                no_value=NO_PROMETHEUS,
            ),
            time_series(
                "Notifications",
                "Notifications that Alertmanager sent, a minute, by where they went.",
                [stack.notifications()],
                unit=A_MINUTE,
                bars=True,
                no_value="No notification, or Alertmanager is not scraped",
            ),
        ),
    ],
)
