"""Settings and provisioning: a clear error for invalid values, defaults for missing ones."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from grafana.viewer.datasource import DataSource, Destination, read_datasource
from grafana.viewer.settings import ViewerSettings
from rq_mon.environment.variables import SettingsError
from stack.services import PROMETHEUS, VIEWER

PROVISIONING = """
datasources:
  - {name: Alerts, uid: alertmanager, type: alertmanager}
  - name: Metrics
    uid: metrics
    type: prometheus
    jsonData:
      timeInterval: 5s
      exemplarTraceIdDestinations:
        - {name: job_id, url: "$DASHBOARD/job/$${__value.raw}", urlDisplayLabel: Show the job}
        - {name: trace_id, url: "javascript:alert(1)"}
"""


def test_the_defaults_are_the_ports_of_the_stack() -> None:
    settings = ViewerSettings.from_environment({})

    assert settings.port == VIEWER.port
    assert settings.prometheus_url == f"http://127.0.0.1:{PROMETHEUS.port}"
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VIEWER_PORT", "70000"),
        ("PREVIEW_PORT", "x"),
        ("PROMETHEUS_URL", "localhost:9090"),
        ("DASHBOARDS_PATH", "no/such/folder"),
        ("VIEWER_NAMES", "rq.example.com,http://x"),
    ],
)
def test_an_invalid_value_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable.replace('PREVIEW', 'VIEWER')}: expected"):
        ViewerSettings.from_environment({variable: value})


def test_an_error_does_not_show_a_password_in_the_address_of_prometheus() -> None:
    with pytest.raises(SettingsError) as error:
        ViewerSettings.from_environment({"PROMETHEUS_URL": "ftp://me:secret@host"})

    assert "secret" not in str(error.value)


def test_an_old_name_of_a_setting_works_and_its_new_name_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        settings = ViewerSettings.from_environment({"PREVIEW_PORT": "4001", "PREVIEW_HOST": "::1"})

    assert (settings.port, settings.host) == (4001, "::1")
    assert [record.getMessage() for record in caplog.records] == [
        "PREVIEW_HOST is called VIEWER_HOST now; the next release ignores PREVIEW_HOST",
        "PREVIEW_PORT is called VIEWER_PORT now; the next release ignores PREVIEW_PORT",
    ]


def test_the_new_name_of_a_setting_takes_precedence_over_the_old_one() -> None:
    assert ViewerSettings.from_environment({"PREVIEW_PORT": "4001", "VIEWER_PORT": "4002"}).port == 4002


def test_host_names_are_lower_case_and_include_localhost() -> None:
    settings = ViewerSettings.from_environment({"VIEWER_NAMES": "RQ.example.com, rq-mon"})

    assert settings.host_names == {"localhost", "127.0.0.1", "rq.example.com", "rq-mon"}


@pytest.fixture
def provisioning(tmp_path: Path) -> Path:
    (tmp_path / "datasources").mkdir()
    (tmp_path / "datasources" / "rq.yml").write_text(PROVISIONING)
    return tmp_path


def test_the_data_source_is_that_of_grafanas_provisioning(provisioning: Path) -> None:
    found = read_datasource(provisioning, {"DASHBOARD": "http://127.0.0.1:9181"})

    link = Destination("job_id", "http://127.0.0.1:9181/job/${__value.raw}", "Show the job")
    assert found == DataSource("Metrics", "5s", (link,))


def test_exemplars_have_no_link_if_the_address_is_not_set(provisioning: Path) -> None:
    assert read_datasource(provisioning, {}).destinations == ()


def test_without_provisioning_the_data_source_is_grafanas_default(tmp_path: Path) -> None:
    assert read_datasource(tmp_path, {}).scrape_interval == "15s"
