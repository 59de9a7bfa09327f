"""Users' settings of alerts reach Prometheus and Alertmanager."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.native.commands import NativeContext, command
from stack.runtime import StackError
from stack.services import ALERTMANAGER, PROMETHEUS
from stack.settings import load_settings

pytestmark = pytest.mark.needs("prometheus", "prometheus-alertmanager")


def context(directory: Path, **variables: str) -> NativeContext:
    return NativeContext(load_settings(variables, directory / "no.env"), directory)


def test_by_default_links_go_to_this_machines_dashboards_and_runbooks(tmp_path: Path) -> None:
    ports = {"GRAFANA_PORT": "3999", "RQ_MON_WEB_PORT": "9999"}

    assert command(PROMETHEUS, context(tmp_path, **ports)).environment == {
        "GRAFANA_URL": "http://127.0.0.1:3999",
        "REPOSITORY_URL": "http://127.0.0.1:9999/",
        "RQ_MON_WEB_URL": "http://127.0.0.1:9999",
    }


def test_links_go_to_the_users_addresses(tmp_path: Path) -> None:
    urls = {
        "GRAFANA_URL": "https://grafana.example",
        "REPOSITORY_URL": "https://git.example/rq-mon/",
        "RQ_MON_WEB_URL": "https://jobs.example",
    }

    assert command(PROMETHEUS, context(tmp_path, **urls)).environment == urls


def test_alertmanager_gets_the_users_receivers_and_restarts_when_they_change(
    tmp_path: Path,
) -> None:
    receivers = tmp_path / "receivers"

    run = command(ALERTMANAGER, context(tmp_path, ALERT_RECEIVERS_DIR=str(receivers)))

    assert run.environment == {"ALERT_RECEIVERS_DIR": str(receivers)}
    assert receivers in run.sources


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GRAFANA_URL", "grafana.example", "a URL that does not end with /"),
        ("GRAFANA_URL", "https://grafana.example/", "a URL that does not end with /"),
        ("RQ_MON_WEB_URL", "https://jobs.example/", "a URL that does not end with /"),
        ("REPOSITORY_URL", "https://git.example/rq-mon", "a URL that ends with /"),
    ],
)
def test_a_url_that_would_break_links_is_refused(
    tmp_path: Path, name: str, value: str, expected: str
) -> None:
    with pytest.raises(StackError, match=f"{name}: expected {expected}, got '{value}'"):
        context(tmp_path, **{name: value})
