"""Settings of the job pages, and the errors of invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from rq_mon.settings import SettingsError
from rq_mon.web.settings import WebSettings


def read(**environment: str) -> WebSettings:
    return WebSettings.from_environment(environment)


def test_settings_have_defaults(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("secret\n")

    settings = read(RQ_MON_WEB_PASSWORD_FILE=str(secret))

    assert (settings.host, settings.port, settings.password) == ("127.0.0.1", 9182, "secret")
    assert (settings.changes, settings.read_without_login, settings.grafana_url) == ("yes", "no", None)
    assert "secret" not in repr(settings)


def test_host_names_are_read_from_a_list() -> None:
    settings = read(RQ_MON_WEB_PASSWORD="x", RQ_MON_WEB_NAMES="Jobs.example.org, rq-mon")

    assert settings.host_names == {"localhost", "127.0.0.1", "jobs.example.org", "rq-mon"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "RQ_MON_WEB_PASSWORD_FILE: expected a file"),
        ({"RQ_MON_WEB_PASSWORD_FILE": "/nowhere"}, "RQ_MON_WEB_PASSWORD_FILE: expected .*/nowhere"),
        ({"RQ_MON_WEB_PORT": "0"}, "RQ_MON_WEB_PORT: expected a port.*'0'"),
        ({"RQ_MON_WEB_CHANGES": "perhaps"}, "RQ_MON_WEB_CHANGES: expected one of yes, no.*'perhaps'"),
        ({"RQ_MON_WEB_NAMES": "a b"}, "RQ_MON_WEB_NAMES: expected host names.*'a b'"),
        ({"GRAFANA_URL": "grafana/"}, "GRAFANA_URL: expected a URL.*'grafana/'"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read(**environment)


def test_two_passwords_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("secret\n")

    with pytest.raises(SettingsError, match="RQ_MON_WEB_PASSWORD: expected it unset, because"):
        read(RQ_MON_WEB_PASSWORD_FILE=str(secret), RQ_MON_WEB_PASSWORD="other")


def test_no_password_is_needed_where_everyone_may_read() -> None:
    assert read(RQ_MON_WEB_READ_WITHOUT_LOGIN="yes").password is None
