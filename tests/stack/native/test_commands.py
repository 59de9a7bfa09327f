"""The command lines of native match the compose files, with addresses of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from rq_mon.environment.dotenv import read_dotenv
from stack import services
from stack.compose.environment import redis_inside
from stack.native import programs
from stack.native.commands import FOR_GRACE_PERIOD, Command, NativeContext, command
from stack.redis_users import EXPORTER, USERS, WORKER
from stack.secrets import read_secret
from stack.services import SERVICES, Service
from stack.settings import PROJECT_ROOT, load_settings

MONITOR = yaml.safe_load((PROJECT_ROOT / "docker-compose-rq-monitor.yml").read_text())["services"]
PORTS = {
    service.port_variable: str(20_000 + (service.port or 0)) for service in SERVICES if service.port_variable
}


@pytest.fixture
def context(tmp_path: Path) -> NativeContext:
    environment = {str(name): port for name, port in PORTS.items()}
    return NativeContext(load_settings(environment, tmp_path / ".env"), tmp_path / "native")


@pytest.mark.parametrize(
    ("variables", "changes"),
    [
        ({}, "yes"),
        ({"RQ_REDIS_URL": "redis://jobs.example:6379/0"}, "no"),
        ({"RQ_REDIS_URL": "redis://jobs.example:6379/0", "RQ_MON_WEB_CHANGES": "yes"}, "yes"),
        ({"RQ_MON_WEB_CHANGES": "no"}, "no"),
    ],
)
def test_the_job_pages_change_another_redis_only_if_the_user_allows_it(
    tmp_path: Path, variables: dict[str, str], changes: str
) -> None:
    settings = load_settings(variables, tmp_path / ".env")
    run = command(services.RQ_MON_WEB, NativeContext(settings, tmp_path / "native"))

    assert run.environment["RQ_MON_WEB_CHANGES"] == changes
    assert (
        redis_inside(settings).get("RQ_MON_WEB_CHANGES", variables.get("RQ_MON_WEB_CHANGES", "yes"))
        == changes
    )


def words(run: Command) -> str:
    return " ".join([*run.arguments, *run.environment.values()])


INSTALLED = [
    pytest.param(services.REDIS, marks=pytest.mark.needs("redis-server")),
    pytest.param(services.PROMETHEUS, marks=pytest.mark.needs("prometheus")),
    pytest.param(services.ALERTMANAGER, marks=pytest.mark.needs("prometheus-alertmanager")),
    pytest.param(services.REDIS_EXPORTER, marks=pytest.mark.needs("prometheus-redis-exporter")),
    services.RQ_EXPORTER,
    services.VIEWER,
]


@pytest.mark.parametrize("service", INSTALLED, ids=lambda service: service.name)
def test_a_server_listens_on_this_machine_only(context: NativeContext, service: Service) -> None:
    text = words(command(service, context))

    assert str(20_000 + (service.port or 0)) in text
    assert "127.0.0.1" in text
    assert "0.0.0.0" not in text


def kept(arguments: Iterable[str]) -> set[tuple[str, str]]:
    """What is kept and for how long, with defaults in place of a compose file's variables."""
    filled = (re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", argument) for argument in arguments)
    options = (argument.partition("=") for argument in filled)
    return {
        (name, value)
        for name, _, values in options
        if "retention" in name or name == "--enable-feature"
        for value in values.split(",")
    }


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(services.PROMETHEUS, marks=pytest.mark.needs("prometheus")),
        pytest.param(services.ALERTMANAGER, marks=pytest.mark.needs("prometheus-alertmanager")),
    ],
    ids=lambda service: service.name,
)
def test_retention_is_the_same_as_in_a_container(context: NativeContext, service: Service) -> None:
    in_a_container = kept(MONITOR[service.name]["command"])

    assert in_a_container
    assert in_a_container <= kept(command(service, context).arguments), (
        "older programs may need more features"
    )


@pytest.mark.needs("prometheus", "prometheus-alertmanager")
@pytest.mark.parametrize(
    ("service", "option"),
    [(services.PROMETHEUS, "--web.cors.origin"), (services.ALERTMANAGER, "--web.config.file")],
    ids=lambda value: getattr(value, "name", value),
)
def test_foreign_pages_are_kept_out_in_both_runtimes(
    context: NativeContext, service: Service, option: str
) -> None:
    def given(arguments: Iterable[str]) -> list[str]:
        return [value for name, _, value in (each.partition("=") for each in arguments) if name == option]

    (native,), (in_a_container,) = (
        given(arguments)
        for arguments in (command(service, context).arguments, MONITOR[service.name]["command"])
    )

    # An origin that no page has, or a file that each runtime writes.
    assert in_a_container in ("none", "/run/access/web.yml")
    assert native == in_a_container or Path(native).is_file()


@pytest.mark.needs("prometheus")
def test_prometheus_has_no_remote_control_and_waits_until_alerts_are_restored(context: NativeContext) -> None:
    text = words(command(services.PROMETHEUS, context))

    assert FOR_GRACE_PERIOD in text
    assert "--web.enable-lifecycle" not in text
    assert "--web.enable-admin-api" not in text


def test_settings_are_passed_to_the_processes(tmp_path: Path) -> None:
    settings = load_settings(
        {"RQ_WORKER_TTL_SECONDS": "33", "RQ_EXPORTER_HOST": "0.0.0.0"}, tmp_path / ".env"
    )
    context = NativeContext(settings, tmp_path)

    assert command(services.SHORT_RUNNING_WORKER, context).environment["RQ_WORKER_TTL_SECONDS"] == "33"
    assert command(services.RQ_EXPORTER, context).environment["RQ_EXPORTER_HOST"] == "127.0.0.1"


def test_only_workers_have_as_long_to_end_as_a_job_may_need(tmp_path: Path) -> None:
    context = NativeContext(load_settings({"STOP_GRACE_SECONDS": "600"}, tmp_path / ".env"), tmp_path)

    assert command(services.LONG_RUNNING_WORKER, context).stop_within == 600
    assert command(services.SHORT_RUNNING_WORKER, context).stop_within == 600
    assert command(services.CRON_SCHEDULER, context).stop_within < 190


def test_every_python_process_uses_the_redis_of_the_stack(context: NativeContext) -> None:
    for service in (
        services.SHORT_RUNNING_WORKER,
        services.LONG_RUNNING_WORKER,
        services.CRON_SCHEDULER,
        services.RQ_EXPORTER,
    ):
        assert command(service, context).environment["RQ_REDIS_URL"] == "redis://127.0.0.1:26379/0"


@pytest.mark.needs("prometheus-redis-exporter")
def test_the_password_of_a_redis_is_in_no_command_line(tmp_path: Path) -> None:
    settings = load_settings({"RQ_REDIS_URL": "redis://:secret@queues.example/0"}, tmp_path / ".env")

    for service in (services.REDIS_EXPORTER, services.RQ_EXPORTER, services.SHORT_RUNNING_WORKER):
        run = command(service, NativeContext(settings, tmp_path))
        assert "secret" not in " ".join(run.arguments)
        assert "redis://:secret@queues.example/0" in run.environment.values()


def test_grafanas_settings_in_containers_can_be_read() -> None:
    settings = read_dotenv(PROJECT_ROOT / "grafana" / "grafana.env")

    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith("$__env{")


@pytest.mark.parametrize(
    ("name", "first_words"), [("grafana", ["server", "--homepath"]), ("grafana-server", ["--homepath"])]
)
def test_grafana_uses_the_files_of_this_project_and_its_own_password(
    context: NativeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, first_words: list[str]
) -> None:
    # No Debian release has Grafana: this file takes its place, so that a command line can be made.
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))

    run = command(services.GRAFANA, context)

    assert [run.arguments[0], *run.arguments[1 : len(first_words) + 1]] == [str(program), *first_words]
    assert run.environment["PROMETHEUS_URL"] == "http://127.0.0.1:29090"
    provisioning = Path(run.environment["GF_PATHS_PROVISIONING"])
    data_sources = (provisioning / "datasources" / "datasources.yml").read_text()
    (password_file,) = re.findall(r"\$__file\{(.+)\}", data_sources)
    assert read_secret(context.secrets, "alertmanager-password") == Path(password_file).read_text()
    assert (Path(run.environment["DASHBOARDS_PATH"]) / "rq-overview.json").is_file()
    assert Path(run.environment["GF_PATHS_DATA"]).is_relative_to(tmp_path)
    assert len(Path(run.environment["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text()) >= 32


@pytest.mark.parametrize(("watched", "folder"), [("", "one-redis"), ("./prometheus/targets", "generated")])
@pytest.mark.parametrize("service", [services.GRAFANA, services.VIEWER], ids=lambda service: service.name)
def test_dashboards_show_the_redis_only_if_there_are_several(
    tmp_path: Path, grafana: None, service: Service, watched: str, folder: str
) -> None:
    settings = load_settings({"SCRAPE_TARGETS_DIR": watched}, tmp_path / ".env")

    run = command(service, NativeContext(settings, tmp_path / "native"))

    assert (PROJECT_ROOT / run.environment["DASHBOARDS_PATH"]).resolve() == PROJECT_ROOT / "grafana" / folder


@pytest.fixture
def grafana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Debian release has Grafana: a file takes its place."""
    program = tmp_path / "bin" / "grafana"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_grafana_requires_a_login_if_its_port_is_open(tmp_path: Path, grafana: None) -> None:
    closed = NativeContext(load_settings({}, tmp_path / ".env"), tmp_path / "native")
    opened = NativeContext(
        load_settings({"GRAFANA_BIND_ADDRESS": "0.0.0.0"}, tmp_path / ".env"), tmp_path / "native"
    )

    before, after = (command(services.GRAFANA, context).environment for context in (closed, opened))

    assert before["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert before["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert after["GF_SERVER_HTTP_ADDR"] == "0.0.0.0"
    assert after["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert after["GF_USERS_ALLOW_SIGN_UP"] == "false"


@pytest.mark.needs("redis-server")
def test_redis_listens_at_the_users_address_and_all_services_connect_to_it(tmp_path: Path) -> None:
    context = NativeContext(
        load_settings({"REDIS_BIND_ADDRESS": "192.0.2.7"}, tmp_path / ".env"), tmp_path / "native"
    )

    assert "--bind 192.0.2.7 --port 6379" in words(command(services.REDIS, context))
    worker = command(services.SHORT_RUNNING_WORKER, context)
    assert worker.environment["RQ_REDIS_URL"] == "redis://192.0.2.7:6379/0"
    assert command(services.RQ_EXPORTER, context).environment["RQ_EXPORTER_HOST"] == "127.0.0.1"


PYTHON_SERVICES = {
    services.SHORT_RUNNING_WORKER: WORKER,
    services.LONG_RUNNING_WORKER: WORKER,
    services.CRON_SCHEDULER: WORKER,
    services.RQ_EXPORTER: EXPORTER,
}


def test_every_process_has_its_own_redis_user_whatever_the_application_uses(
    tmp_path: Path,
) -> None:
    given = {"RQ_REDIS_USERNAME": "operator", "RQ_REDIS_PASSWORD_FILE": "/nowhere"}
    context = NativeContext(load_settings(given, tmp_path / ".env"), tmp_path / "native")

    for service, user in PYTHON_SERVICES.items():
        run = command(service, context)
        password_file = tmp_path / "secrets" / f"redis-{user.name}-password"
        assert run.environment["RQ_REDIS_USERNAME"] == user.name
        assert run.environment["RQ_REDIS_PASSWORD_FILE"] == str(password_file)
        assert password_file in run.sources, "another password restarts it"


@pytest.mark.needs("redis-server", "prometheus-redis-exporter")
def test_no_password_is_in_a_command_line_or_an_environment(context: NativeContext, tmp_path: Path) -> None:
    text = " ".join(
        words(command(service, context))
        for service in (*PYTHON_SERVICES, services.REDIS, services.REDIS_EXPORTER)
    )

    for user in USERS:
        assert read_secret(tmp_path / "secrets", user.secret) not in text


def test_the_given_user_logs_in_to_another_redis(tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("secret")
    given = {
        "RQ_REDIS_URL": "redis://queues.example/0",
        "RQ_REDIS_USERNAME": "ann",
        "RQ_REDIS_PASSWORD_FILE": str(password_file),
    }
    context = NativeContext(load_settings(given, tmp_path / ".env"), tmp_path / "native")

    environment = command(services.RQ_EXPORTER, context).environment

    assert environment.items() >= given.items()


def test_every_script_and_source_of_a_process_exists(context: NativeContext) -> None:
    for service in SERVICES:
        if service is services.GRAFANA and programs.GRAFANA.find() is None:
            continue
        for source in command(service, context).sources:
            assert source.exists() or source == context.prometheus_config, source
