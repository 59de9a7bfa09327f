"""What Grafana loads when it starts, in both runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana import common, links
from grafana.__main__ import GENERATED, ONE_REDIS
from grafana.queries import recorded, stack
from rq_mon.environment.dotenv import read_dotenv
from stack.services import RQ_EXPORTER

Json = dict[str, Any]


@pytest.fixture(scope="module")
def provisioning(project_root: Path) -> Path:
    return project_root / "grafana" / "provisioning"


@pytest.fixture(scope="module")
def data_sources(provisioning: Path) -> dict[str, Json]:
    file = yaml.safe_load((provisioning / "datasources" / "datasources.yml").read_text())
    return {source["uid"]: source for source in file["datasources"]}


@pytest.fixture(scope="module")
def settings(project_root: Path) -> dict[str, str]:
    return read_dotenv(project_root / "grafana" / "grafana.env")


@pytest.fixture(scope="module")
def prometheus_config(project_root: Path) -> Json:
    config: Json = yaml.safe_load((project_root / "prometheus" / "prometheus.yml").read_text())
    return config


def test_the_dashboards_name_the_data_source_that_is_provisioned(data_sources: dict[str, Json]) -> None:
    assert data_sources[common.DATA_SOURCE_UID]["name"] == common.DATA_SOURCE_NAME
    assert data_sources[common.DATA_SOURCE_UID]["isDefault"]


def test_no_user_can_edit_provisioned_dashboards(data_sources: dict[str, Json], provisioning: Path) -> None:
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "dashboards.yml").read_text())["providers"]

    assert not any(source["editable"] for source in data_sources.values())
    assert provider["disableDeletion"]
    assert not provider["allowUiUpdates"]


def test_the_data_source_of_alerts_is_prometheus_own_alertmanager(data_sources: dict[str, Json]) -> None:
    options = data_sources["prometheus"]["jsonData"]

    assert data_sources[options["alertmanagerUid"]]["type"] == "alertmanager"


def test_the_minimum_step_is_the_scrape_interval_of_the_exporter(
    data_sources: dict[str, Json], prometheus_config: Json
) -> None:
    (exporter,) = (j for j in prometheus_config["scrape_configs"] if j["job_name"] == RQ_EXPORTER.name)

    assert data_sources["prometheus"]["jsonData"]["timeInterval"] == exporter["scrape_interval"]


def test_other_minimum_steps_are_the_intervals_of_scrapes_and_rules(
    prometheus_config: Json, project_root: Path
) -> None:
    for file, known in (
        ("recording.yml", recorded.RECORDED),
        ("long-ranges.yml", recorded.RECORDED_OVER_DAYS),
    ):
        rules = yaml.safe_load((project_root / "prometheus" / "rules" / file).read_text())
        written = {group["interval"]: tuple(r["record"] for r in group["rules"]) for group in rules["groups"]}

        assert written == known
    assert prometheus_config["global"]["scrape_interval"] == stack.SCRAPE_INTERVAL


def test_an_exemplar_links_to_its_job(data_sources: dict[str, Json]) -> None:
    (destination,) = data_sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    url = destination["url"].replace("$RQ_MON_WEB_URL", "https://jobs.example").replace("$$", "$")

    assert destination["name"] == "job_id"
    assert url == "https://jobs.example/job?id=${__value.raw}"


def test_dashboards_and_home_page_are_those_of_the_stack(
    provisioning: Path, settings: dict[str, str]
) -> None:
    """Both runtimes set DASHBOARDS_PATH to one of the two sets."""
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "dashboards.yml").read_text())["providers"]
    home = settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert provider["options"]["path"] == "$DASHBOARDS_PATH"
    for folder in (GENERATED, ONE_REDIS):
        assert Path(home.replace("$__env{DASHBOARDS_PATH}", str(folder))).is_file()
    assert home.endswith(f"/{links.OVERVIEW}.json")


def test_grafana_calls_no_other_server_and_has_no_password_in_its_settings(settings: dict[str, str]) -> None:
    for switched_off in (
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_NEWS_NEWS_FEED_ENABLED",
        "GF_USERS_ALLOW_SIGN_UP",
    ):
        assert settings[switched_off] == "false"
    assert settings["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert not any("PASSWORD" in name or "SECRET" in name for name in settings)
