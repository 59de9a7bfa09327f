"""The settings of the stack: which are read, from where, and which values are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.runtime import StackError
from stack.services import (
    APPLICATION_SERVICES,
    GRAFANA,
    PROMETHEUS,
    REDIS,
    REDIS_EXPORTER,
    RQ_MON_WEB,
    SERVICES,
    VIEWER,
    Service,
)
from stack.settings import PROJECT_ROOT, StackSettings, load_settings
from stack.variables import BIND_ADDRESSES, HANDED_ON, PORTS, REPLACED, VARIABLES


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def read(dotenv: Path, **environment: str) -> StackSettings:
    return load_settings(environment, dotenv)


def test_without_settings_every_service_has_its_own_port(dotenv: Path) -> None:
    settings = read(dotenv)

    for service in SERVICES:
        if service.port:
            assert settings.port(service) == service.port


def test_every_port_has_a_variable_that_changes_it(dotenv: Path) -> None:
    for service in SERVICES:
        if service.port:
            assert service.port_variable
            assert read(dotenv, **{service.port_variable: "12345"}).port(service) == 12345


def test_the_file_fills_in_what_the_environment_leaves_out(dotenv: Path) -> None:
    dotenv.write_text("REDIS_PORT=7001\nPROMETHEUS_PORT=7002\n")

    settings = read(dotenv, REDIS_PORT="7003")

    assert settings.port(REDIS) == 7003
    assert settings.port(PROMETHEUS) == 7002
    assert settings.environment["PROMETHEUS_PORT"] == "7002"


def test_an_empty_variable_keeps_the_default(dotenv: Path) -> None:
    assert read(dotenv, REDIS_PORT="", RUNTIME=" ").port(REDIS) == REDIS.port


@pytest.mark.parametrize("value", ["eight", "0", "65536", "-1", "6379.0", "٣", "99999999999"])
def test_refuses_an_invalid_port_with_variable_and_value(dotenv: Path, value: str) -> None:
    with pytest.raises(StackError, match=r"REDIS_PORT: expected a port, .* 1 to 65535, got ") as error:
        read(dotenv, REDIS_PORT=value)

    assert repr(value) in str(error.value)


@pytest.mark.parametrize("value", ["1", "80", "9999", "10000", "59999", "64999", "65535", "06379"])
def test_every_valid_port_can_be_set(dotenv: Path, value: str) -> None:
    assert read(dotenv, REDIS_PORT=value).port(REDIS) == int(value)


def test_two_services_on_one_port_are_refused_with_both_variables(dotenv: Path) -> None:
    with pytest.raises(
        StackError, match="REDIS_PORT and PROMETHEUS_PORT: expected different ports, got 9090"
    ):
        read(dotenv, REDIS_PORT="9090")


def test_reports_all_problems_together(dotenv: Path) -> None:
    with pytest.raises(StackError) as error:
        read(dotenv, RUNTIME="podman", STOP_GRACE_SECONDS="soon", PROMETHEUS_RETENTION_SIZE="much")

    lines = str(error.value).splitlines()
    assert lines == [
        "RUNTIME: expected compose or native, got 'podman'",
        "STOP_GRACE_SECONDS: expected a whole number from 0 to 99999, got 'soon'",
        "PROMETHEUS_RETENTION_SIZE: expected a size such as 512MB or 4GB, got 'much'",
    ]


def test_grafana_and_its_viewer_share_a_port(dotenv: Path) -> None:
    settings = read(dotenv, GRAFANA_PORT="3333")

    assert settings.url(GRAFANA) == settings.url(VIEWER) == "http://127.0.0.1:3333/"
    assert len({port.name for port in PORTS}) == len(PORTS)


def test_a_service_without_a_page_has_no_url(dotenv: Path) -> None:
    assert read(dotenv).url(REDIS_EXPORTER) is None


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("", True),
        ("redis://127.0.0.1:7000/0", True),
        ("redis://localhost:7000", True),
        ("redis://127.0.0.1:6379/0", False),
        ("redis://:password@localhost:7000/2", False),
        ("rediss://127.0.0.1:7000", False),
        ("rediss://queues.example:7000/0", False),
        ("unix:///run/redis.sock", False),
        ("redis+sentinel://127.0.0.1:7000/queues/0", False),
        ("rediss+sentinel://:password@a:1,b:2/queues", False),
    ],
)
def test_the_stack_uses_its_own_redis_unless_another_is_set(dotenv: Path, url: str, own: bool) -> None:
    settings = read(dotenv, REDIS_PORT="7000", RQ_REDIS_URL=url)

    assert settings.has_own_redis() is own
    assert settings.external_services() == (set() if own else set(APPLICATION_SERVICES))
    assert settings.redis_url() == (url or "redis://127.0.0.1:7000/0")


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:abc/0", "127.0.0.1:6379", "http://127.0.0.1"])
def test_refuses_an_invalid_redis_address_without_showing_its_password(dotenv: Path, url: str) -> None:
    with pytest.raises(StackError, match="RQ_REDIS_URL: expected a URL") as raised:
        read(dotenv, RQ_REDIS_URL=url)

    assert "secret" not in str(raised.value)


def test_the_path_of_further_exporters_is_relative_to_the_project(dotenv: Path, tmp_path: Path) -> None:
    assert read(dotenv).scrape_targets() is None
    assert read(dotenv, SCRAPE_TARGETS_DIR=str(tmp_path)).scrape_targets() == tmp_path
    assert read(dotenv, SCRAPE_TARGETS_DIR="./docs").scrape_targets() == PROJECT_ROOT / "docs"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("docs", "a path of a folder that begins with / or ./"),
        ("/does/not/exist", "a folder that exists"),
    ],
)
def test_a_folder_of_further_exporters_that_cannot_be_read_is_refused(
    dotenv: Path, value: str, expected: str
) -> None:
    """Docker would treat a bare word as the name of a volume, and create a missing folder."""
    with pytest.raises(StackError, match=f"SCRAPE_TARGETS_DIR: expected {expected}, got '{value}'"):
        read(dotenv, SCRAPE_TARGETS_DIR=value)


# ---- who may reach a port ----


@pytest.mark.parametrize("service", [each for each in SERVICES if each.port], ids=lambda each: each.name)
def test_by_default_every_port_is_for_this_machine_only(dotenv: Path, service: Service) -> None:
    assert read(dotenv).bind_address(service) == "127.0.0.1"
    assert not read(dotenv).is_open(service)


def test_services_with_a_login_can_be_opened_to_other_machines(dotenv: Path) -> None:
    variables = {each.name for each in BIND_ADDRESSES}
    names = ("REDIS", "GRAFANA", "RQ_MON_WEB")
    assert variables == {f"{name}_BIND_ADDRESS" for name in names}

    settings = read(dotenv, **dict.fromkeys(variables, "192.0.2.7"))

    for service in (REDIS, GRAFANA, RQ_MON_WEB):
        assert settings.is_open(service)
        assert settings.bind_address(service) == "192.0.2.7"
    assert not settings.is_open(PROMETHEUS)


@pytest.mark.parametrize(
    ("given", "host"), [("0.0.0.0", "127.0.0.1"), ("192.0.2.7", "192.0.2.7"), ("", "127.0.0.1")]
)
def test_urls_for_this_machine_use_the_address_that_the_service_listens_on(
    dotenv: Path, given: str, host: str
) -> None:
    variables = {each.name: given for each in BIND_ADDRESSES}

    settings = read(dotenv, REDIS_PORT="7000", **variables)

    assert settings.redis_url() == f"redis://{host}:7000/0"
    assert settings.has_own_redis()
    assert read(dotenv, RQ_REDIS_URL=settings.redis_url(), REDIS_PORT="7000", **variables).has_own_redis()
    assert settings.url(GRAFANA) == f"http://{host}:3000/"
    assert settings.job_pages_url() == f"http://{host}:9182"
    assert settings.address(PROMETHEUS) == "127.0.0.1:9090"


NEVER_OPENED = [each for each in SERVICES if each.port and not each.has_login and each.port != GRAFANA.port]
"""The viewer shares Grafana's variable: the check is at its start."""


@pytest.mark.parametrize("service", NEVER_OPENED, ids=lambda each: each.name)
def test_a_service_without_a_login_cannot_be_opened_and_the_error_gives_the_reason(
    dotenv: Path, service: Service
) -> None:
    variable = str(service.bind_variable)

    with pytest.raises(StackError) as refused:
        read(dotenv, **{variable: "0.0.0.0"})

    assert str(refused.value) == (
        f"{variable}: expected 127.0.0.1, got '0.0.0.0': {service.name} is for this machine only; for"
        " access from others, put a proxy with a login in front of it (docs/operate/security.md)"
    )
    assert not read(dotenv, **{variable: "127.0.0.1"}).is_open(service)


@pytest.mark.parametrize(
    "value", ["everywhere", "localhost", "256.0.0.1", "1.2.3", "010.0.0.1", "::", "10.0.0.1:80", "10.0.0.0/8"]
)
def test_refuses_an_invalid_address_with_variable_and_value(dotenv: Path, value: str) -> None:
    with pytest.raises(StackError) as refused:
        read(dotenv, REDIS_BIND_ADDRESS=value)

    assert str(refused.value) == (
        "REDIS_BIND_ADDRESS: expected an IPv4 address of this machine, or 0.0.0.0 for all of them,"
        f" got {value!r}"
    )


# ---- what rq-dashboard has left ----


def test_old_settings_of_rq_dashboard_work_and_their_new_names_are_shown(dotenv: Path) -> None:
    old = {"WITH": "rq-dashboard", "RQ_DASHBOARD_PORT": "9000", "RQ_DASHBOARD_URL": "https://old.example"}

    settings = read(dotenv, **old)

    assert settings.job_pages_url() == "http://127.0.0.1:9182"
    assert settings.notes_of_replaced() == [
        "RQ_DASHBOARD_PORT is no longer read: use RQ_MON_WEB_PORT",
        "RQ_DASHBOARD_URL is no longer read: use RQ_MON_WEB_URL",
        "the job pages replace rq-dashboard, so WITH is no longer needed",
    ]
    assert read(dotenv).notes_of_replaced() == []


def test_every_replaced_setting_has_a_new_name_that_is_read() -> None:
    read_now = {variable.name for variable in (*VARIABLES, *HANDED_ON)}

    assert set(REPLACED.values()) <= read_now
    assert not set(REPLACED) & read_now


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "http://127.0.0.1:3000"), ("https://grafana.example", "https://grafana.example")],
)
def test_the_url_of_dashboards_is_the_one_that_users_open(dotenv: Path, given: str, expected: str) -> None:
    assert read(dotenv, GRAFANA_URL=given).grafana_url() == expected
