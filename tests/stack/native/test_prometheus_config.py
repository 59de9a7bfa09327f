"""The shared prometheus.yml, rewritten for local processes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.alertmanager_login import USER
from stack.native.prometheus_config import rewrite, write
from stack.services import ALERTMANAGER, GRAFANA, REDIS_EXPORTER, RQ_EXPORTER, SERVICES, VIEWER, Service
from stack.settings import PROJECT_ROOT

SHARED = PROJECT_ROOT / "prometheus" / "prometheus.yml"
PASSWORD_FILE = Path("/secrets/alertmanager-password")
WITH_VIEWER = [service for service in SERVICES if service is not GRAFANA]
WITH_GRAFANA = [service for service in SERVICES if service is not VIEWER]


def address(service: Service) -> str:
    assert service.port
    return f"127.0.0.1:{service.port + 10_000}"


def rewritten(running: list[Service], shared: str | None = None) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(
        rewrite(shared or SHARED.read_text(), running, address, PASSWORD_FILE)
    )
    return config


def targets_by_job(config: dict[str, Any]) -> dict[str, list[str]]:
    return {
        job["job_name"]: [target for static in job["static_configs"] for target in static["targets"]]
        for job in config["scrape_configs"]
    }


def test_each_job_scrapes_the_local_port_of_its_service() -> None:
    targets = targets_by_job(rewritten(WITH_GRAFANA))

    by_name = {service.name: service for service in SERVICES}
    assert set(targets) == {job["job_name"] for job in yaml.safe_load(SHARED.read_text())["scrape_configs"]}
    for name, found in targets.items():
        assert found == [address(by_name[name])]


def test_grafana_is_scraped_only_if_it_runs() -> None:
    assert GRAFANA.name in targets_by_job(rewritten(WITH_GRAFANA))
    assert GRAFANA.name not in targets_by_job(rewritten(WITH_VIEWER))


def test_alerts_go_to_the_local_alertmanager() -> None:
    (alertmanager,) = rewritten(WITH_VIEWER)["alerting"]["alertmanagers"]

    assert alertmanager["static_configs"] == [{"targets": [address(ALERTMANAGER)]}]


def test_every_client_of_alertmanager_logs_in_and_no_other_service_gets_the_password() -> None:
    config = rewritten(WITH_GRAFANA)
    login = {"username": USER, "password_file": str(PASSWORD_FILE)}

    (alertmanager,) = config["alerting"]["alertmanagers"]
    assert alertmanager["basic_auth"] == login
    logins = {job["job_name"]: job.get("basic_auth") for job in config["scrape_configs"]}
    assert {name: given for name, given in logins.items() if given} == {ALERTMANAGER.name: login}


def test_everything_else_is_unchanged() -> None:
    shared, local = yaml.safe_load(SHARED.read_text()), rewritten(WITH_GRAFANA)

    for config in (shared, local):
        for job in config["scrape_configs"]:
            job.pop("static_configs", None)
            job.pop("dns_sd_configs", None)
            job.pop("file_sd_configs", None)
            job.pop("basic_auth", None)
        del config["alerting"]
    assert local == shared


def test_both_exporters_use_the_same_name_for_the_stacks_redis() -> None:
    named = [
        static["labels"]["instance"]
        for job in rewritten(WITH_VIEWER)["scrape_configs"]
        for static in job["static_configs"]
        if job["job_name"] in {RQ_EXPORTER.name, REDIS_EXPORTER.name}
    ]

    assert named == ["main", "main"]


def test_further_exporters_are_read_from_the_users_folder(tmp_path: Path) -> None:
    config = yaml.safe_load(rewrite(SHARED.read_text(), WITH_VIEWER, address, PASSWORD_FILE, tmp_path))

    found = {job["job_name"]: job.get("file_sd_configs") for job in config["scrape_configs"]}
    assert {name: files for name, files in found.items() if files} == {
        RQ_EXPORTER.name: [{"files": [f"{tmp_path}/rq-exporter*.yml"]}],
        REDIS_EXPORTER.name: [{"files": [f"{tmp_path}/redis-exporter*.yml"]}],
    }


def test_without_the_users_folder_there_are_no_further_exporters() -> None:
    assert not any("file_sd_configs" in job for job in rewritten(WITH_VIEWER)["scrape_configs"])


def test_targets_added_by_a_user_are_not_changed() -> None:
    config = yaml.safe_load(SHARED.read_text())
    config["scrape_configs"] += [
        {"job_name": "application", "static_configs": [{"targets": ["app.example:8000"]}]},
        {"job_name": "found", "file_sd_configs": [{"files": ["*.json"]}]},
    ]

    jobs = rewritten(WITH_VIEWER, yaml.safe_dump(config))["scrape_configs"]

    assert jobs[-2:] == config["scrape_configs"][-2:]


@pytest.mark.needs("promtool")
def test_prometheus_accepts_the_file_and_finds_the_shared_rules(tmp_path: Path) -> None:
    path = write(SHARED, tmp_path, WITH_VIEWER, address, PASSWORD_FILE)
    write(SHARED, tmp_path, WITH_VIEWER, address, PASSWORD_FILE)  # a second start

    result = subprocess.run(
        ["promtool", "check", "config", path], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
    rules = sorted((PROJECT_ROOT / "prometheus" / "rules").rglob("*.yml"))
    assert rules
    for file in rules:
        assert file.name in result.stdout


@pytest.mark.needs("promtool", "amtool")
@pytest.mark.parametrize(
    "command",
    [
        ["promtool", "check", "config", str(SHARED)],
        ["amtool", "check-config", str(SHARED.with_name("alertmanager.yml"))],
    ],
    ids=["prometheus.yml", "alertmanager.yml"],
)
def test_the_shared_file_is_valid_unchanged(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
