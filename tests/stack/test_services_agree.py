"""The list of services, native's processes and prometheus.yml contain the same services.

tests/stack/compose compares the compose files with the list.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from proofs.harness.boards import seconds
from rq_mon.exporter.snapshot import READ_SECONDS
from stack.native.commands import COMMANDS
from stack.services import ALERTMANAGER, RQ_EXPORTER, RQ_MON_WEB, SERVICES, VIEWER, Service
from stack.settings import PROJECT_ROOT

CONFIG: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "prometheus" / "prometheus.yml").read_text())
JOBS: dict[str, Any] = {job["job_name"]: job for job in CONFIG["scrape_configs"]}

WITHOUT_METRICS = {
    "redis": "redis-exporter speaks for it",
    VIEWER.name: "Grafana's place; has no metrics",
    RQ_MON_WEB.name: "has none",
}


def targets(config: dict[str, Any]) -> list[str]:
    looked_up = [
        (name, lookup["port"]) for lookup in config.get("dns_sd_configs", []) for name in lookup["names"]
    ]
    static = [target for static in config.get("static_configs", []) for target in static["targets"]]
    return [*static, *(f"{name}:{port}" for name, port in looked_up)]


def test_native_can_run_every_service() -> None:
    assert COMMANDS.keys() == set(SERVICES)


def test_prometheus_scrapes_every_service_with_metrics() -> None:
    with_port = {service.name for service in SERVICES if service.port}

    assert JOBS.keys() == with_port - WITHOUT_METRICS.keys()


@pytest.mark.parametrize(
    "service", [each for each in SERVICES if each.name in JOBS], ids=lambda each: each.name
)
def test_a_job_scrapes_the_service_with_its_name(service: Service) -> None:
    assert targets(JOBS[service.name]) == [f"{service.name}:{service.port}"]


def test_alerts_go_to_alertmanager() -> None:
    (alertmanager,) = CONFIG["alerting"]["alertmanagers"]

    assert targets(alertmanager) == [f"{ALERTMANAGER.name}:{ALERTMANAGER.port}"]


def test_prometheus_waits_longer_for_the_exporter_than_the_exporter_for_redis() -> None:
    """Otherwise a slow Redis would look like an exporter that is down."""
    job = JOBS[RQ_EXPORTER.name]

    assert seconds(job.get("scrape_timeout", job["scrape_interval"])) > READ_SECONDS
