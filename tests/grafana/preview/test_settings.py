"""Settings and provisioning: clear words for what cannot be used, Grafana's defaults for what is not said."""

from __future__ import annotations

from pathlib import Path

import pytest

from grafana.preview.datasource import DataSource, Destination, read_datasource
from grafana.preview.settings import PreviewSettings
from rq_mon.environment.variables import SettingsError
from stack.services import PREVIEW, PROMETHEUS


def test_defaults_are_the_stacks_own_ports() -> None:
    settings = PreviewSettings.from_environment({})
    assert settings.port == PREVIEW.port
    assert settings.prometheus_url == f"http://127.0.0.1:{PROMETHEUS.port}"
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PREVIEW_PORT", "70000"),
        ("PREVIEW_PORT", "x"),
        ("PROMETHEUS_URL", "localhost:9090"),
        ("DASHBOARDS_PATH", "no/such/folder"),
    ],
)
def test_unusable_value_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}: expected"):
        PreviewSettings.from_environment({variable: value})


def test_password_in_the_address_of_prometheus_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as error:
        PreviewSettings.from_environment({"PROMETHEUS_URL": "ftp://me:secret@host"})
    assert "secret" not in str(error.value)


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
"""


@pytest.fixture
def provisioning(tmp_path: Path) -> Path:
    (tmp_path / "datasources").mkdir()
    (tmp_path / "datasources" / "rq.yml").write_text(PROVISIONING)
    return tmp_path


def test_data_source_is_that_of_grafanas_provisioning(provisioning: Path) -> None:
    found = read_datasource(provisioning, {"DASHBOARD": "http://127.0.0.1:9181"})
    link = Destination("job_id", "http://127.0.0.1:9181/job/${__value.raw}", "Show the job")
    assert found == DataSource("Metrics", "metrics", 5.0, (link,))


def test_exemplars_lead_nowhere_where_the_address_is_not_set(provisioning: Path) -> None:
    assert read_datasource(provisioning, {}).exemplar_links == ()


def test_without_provisioning_the_data_source_is_grafanas_default(tmp_path: Path) -> None:
    assert read_datasource(tmp_path, {}).scrape_interval == 15
