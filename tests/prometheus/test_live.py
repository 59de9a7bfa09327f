"""The whole alerting with real programs: exporters, Prometheus, Alertmanager and a webhook.

Prometheus scrapes every second. Alerts that wait before they fire are seen pending: this proves that their
expressions read what the real exporters serve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from rq import Queue, Worker

from proofs.harness.exporter_process import running_exporter
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server, running
from proofs.harness.waiting import wait_until
from proofs.harness.webhook import Webhook, running_webhook
from stack.alertmanager_login import PASSWORD
from stack.native import prometheus_config
from stack.native.programs import PROMETHEUS as PROMETHEUS_PROGRAM
from stack.native.programs import REDIS_EXPORTER as REDIS_EXPORTER_PROGRAM
from stack.secrets import ensure_secret
from stack.services import ALERTMANAGER, PROMETHEUS, REDIS_EXPORTER, RQ_EXPORTER, Service
from tests.harness.impatience import impatient, impatient_rules
from tests.harness.rule_checks import errors_of_all_rules
from tests.prometheus.alertmanager import running_alertmanager
from tests.prometheus.foreign import FOREIGN
from tests.prometheus.rules import PROMETHEUS as FOLDER
from tests.prometheus.rules import WATCHDOG

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

LINKS = {"GRAFANA_URL": "http://grafana.example", "REPOSITORY_URL": "https://git.example/rq-mon/"}
RULES = sum(
    len(group["rules"])
    for path in (FOLDER / "rules").rglob("*.yml")
    for group in yaml.load(path.read_text(), yaml.CSafeLoader)["groups"]
)


@dataclass(frozen=True)
class Monitoring:
    """The running programs."""

    redis: Redis
    servers: dict[Service, Server]
    webhook: Webhook

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The current alerts in Prometheus by name, including pending ones."""
        found = self.servers[PROMETHEUS].json("/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in found}

    def failed_evaluations(self) -> float:
        return float(self.value("sum(prometheus_rule_evaluation_failures_total)"))

    def value(self, query: str) -> str:
        path = f"/api/v1/query?query={query}"
        result = self.servers[PROMETHEUS].json(path)["data"]["result"]
        return str(result[0]["value"][1]) if result else "0"


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    directory = tmp_path_factory.mktemp("live")
    redis_exporter = free_port()
    with (
        RedisServer(directory) as redis,
        running_webhook() as webhook,
        running_exporter(redis.url, directory) as rq_exporter,
        running(
            "redis-exporter",
            directory,
            redis_exporter,
            [REDIS_EXPORTER_PROGRAM.path(), f"-web.listen-address=127.0.0.1:{redis_exporter}"],
            "/metrics",
            {"REDIS_ADDR": redis.url},
        ) as redis_metrics,
        running_alertmanager(directory, _receivers(directory, webhook)) as alertmanager,
    ):
        servers = {RQ_EXPORTER: rq_exporter, REDIS_EXPORTER: redis_metrics, ALERTMANAGER: alertmanager}
        prometheus = free_port()  # late, because another process may take the port until it listens
        ports = {service: server.port for service, server in servers.items()} | {PROMETHEUS: prometheus}
        shared = (FOLDER / "prometheus.yml").read_text()
        config = prometheus_config.rewrite(
            impatient(shared),
            ports,
            lambda service: f"127.0.0.1:{ports[service]}",
            ensure_secret(directory, PASSWORD),  # which this Alertmanager does not need
        )
        (directory / "prometheus.yml").write_text(config)
        (directory / "rules").mkdir()
        for rules in (FOLDER / "rules").rglob("*.yml"):
            (directory / "rules" / rules.name).write_text(impatient_rules(rules.read_text()))
        arguments = [
            PROMETHEUS_PROGRAM.path(),
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'prometheus-data'}",
            "--enable-feature=expand-external-labels",
            "--rules.alert.resend-delay=1s",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        ]
        with (
            running("prometheus", directory, prometheus, arguments, "/-/ready", LINKS) as server,
            Redis.from_url(redis.url) as client,
        ):
            yield Monitoring(client, servers | {PROMETHEUS: server}, webhook)


def _receivers(directory: Path, webhook: Webhook) -> Path:
    folder = directory / "receivers"
    folder.mkdir()
    receivers = [
        {"name": name, "webhook_configs": [{"url": webhook.url(name)}]}
        for name in ("critical", "warning", "watchdog")
    ]
    (folder / "receivers.yml").write_text(yaml.safe_dump({"receivers": receivers}))
    return folder


def test_prometheus_evaluates_every_rule_without_an_error(monitoring: Monitoring) -> None:
    def groups() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = monitoring.servers[PROMETHEUS].json("/api/v1/rules")["data"]["groups"]
        return found

    assert errors_of_all_rules(groups) == []
    assert sum(len(group["rules"]) for group in groups()) == RULES


@pytest.mark.parametrize(("metric", "server"), [(name, server) for name, server in FOREIGN.items() if server])
def test_metrics_of_other_programs_are_served_by_them(
    monitoring: Monitoring, metric: str, server: Service
) -> None:
    assert f"\n{metric}" in monitoring.servers[server].text("/metrics")


def test_a_healthy_stack_has_no_alert_but_watchdog_not_even_a_pending_one(monitoring: Monitoring) -> None:
    wait_until(lambda: float(monitoring.value("min(up)")) == 1, "every target to be up")
    wait_until(lambda: monitoring.alerts().keys() == {WATCHDOG}, "Watchdog alone")


def test_watchdog_arrives_with_links_and_without_internal_labels(monitoring: Monitoring) -> None:
    arrived = wait_until(lambda: monitoring.webhook.alerts("watchdog"), "the watchdog")

    assert arrived[0]["labels"] == {"alertname": WATCHDOG, "severity": "none"}
    assert arrived[0]["annotations"]["dashboard_url"] == "http://grafana.example/d/rq-stack-health"
    assert arrived[0]["annotations"]["runbook_url"] == "https://git.example/rq-mon/docs/runbooks/Watchdog.md"


def test_jobs_without_workers_raise_an_alert(monitoring: Monitoring) -> None:
    Queue("mail & more", connection=monitoring.redis).enqueue("time.sleep", 0)

    wait_until(lambda: "RQQueueWithoutWorkers" in monitoring.alerts(), "the alert to be pending")

    alert = monitoring.alerts()["RQQueueWithoutWorkers"]
    assert alert["labels"]["queue"] == "mail & more"
    assert alert["annotations"]["dashboard_url"].endswith(
        "/d/rq-workers?var-instance=main&var-queue=mail+%26+more"
    )


def test_a_worker_counts_as_lost_before_and_after_its_key_expires(
    monitoring: Monitoring,
) -> None:
    worker = Worker(["mail"], connection=monitoring.redis, name="frozen")
    worker.register_birth()  # type: ignore[no-untyped-call]
    monitoring.redis.expire(worker.key, 5)

    wait_until(lambda: "RQWorkersLost" in monitoring.alerts(), "the alert")
    wait_until(lambda: monitoring.value('count(rq_workers{name="frozen"})') == "0", "the end of its series")

    assert monitoring.alerts()["RQWorkersLost"]["state"] == "firing"
    assert monitoring.alerts()["RQWorkersLost"]["labels"]["queues"] == "mail"


def test_no_rule_evaluation_failed(monitoring: Monitoring) -> None:
    assert monitoring.failed_evaluations() == 0
