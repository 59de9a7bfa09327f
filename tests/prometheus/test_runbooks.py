"""Runbooks: a page for each alert, with working links and commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import promql_parser
import pytest
from redis import Redis
from rq import Queue, SimpleWorker

from proofs.harness.redis_server import RedisServer
from rq_mon.catalogue import CATALOGUE
from rq_mon.cron.definition import define
from rq_mon.cron.registry import CronRegistry
from stack.redis_users import OPERATOR, write_users
from stack.secrets import read_secret
from stack.settings import PROJECT_ROOT
from tests.prometheus.foreign import FOREIGN
from tests.prometheus.rules import alerts, metrics, rules, seconds
from tests.prometheus.runbook_commands import ASKS, INDEX, PAGES, commands, filled_in

WITHOUT_ALERT = {"jobs-run-too-often"}
SECTIONS = ["What it means", "Impact", "Confirm", "Causes, most likely first", "Fix", "Verify", "Prevent"]

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
every_file = pytest.mark.parametrize("path", [INDEX, *PAGES], ids=lambda path: path.stem)

READABLE = {metric for each in CATALOGUE for metric in each.series} | FOREIGN.keys() | {"ALERTS"}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}


# ---- pages ----


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {path.stem for path in PAGES} == {alert.name for alert in alerts()} | WITHOUT_ALERT


@every_page
def test_every_page_answers_the_same_questions_in_the_same_order(path: Path) -> None:
    assert re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) == SECTIONS


@every_page
def test_confirm_has_a_dashboard_a_query_and_a_command(path: Path) -> None:
    confirm = path.read_text().split("## Confirm")[1].split("## Causes")[0]

    assert "/d/rq-" in confirm
    assert "```promql" in confirm
    assert "```sh" in confirm


@every_file
def test_named_dashboards_and_panels_exist(path: Path) -> None:
    text = " ".join(path.read_text().split())
    for uid, named in re.findall(r"/d/(rq-[a-z-]+)\)((?:,? (?:panels?|rows?|and|,|\*[^*]+\*,?))*)", text):
        panels = json.loads((PROJECT_ROOT / "grafana" / "generated" / f"{uid}.json").read_text())["panels"]
        assert set(re.findall(r"\*([^*]+)\*", named)) <= {panel.get("title") for panel in panels}


@every_page
def test_advice_names_the_command_of_the_stack(path: Path) -> None:
    fixes = path.read_text(encoding="utf-8").split("\n## Fix\n")[1].split("\n## ")[0].split("\n- ")
    for advice, command in (
        ("more workers", "make scale QUEUE="),
        ("Restart workers", "make restart SERVICE="),
    ):
        assert [each for each in fixes if advice in each and command not in each] == []


@every_page
def test_queries_parse_and_read_existing_series(path: Path) -> None:
    for query in re.findall(r"```promql\n(.*?)```", path.read_text(), re.DOTALL):
        promql_parser.parse(query)
        assert metrics(query) <= READABLE | RECORDED


def test_index_has_a_line_for_each_alert_with_its_severity_and_delay() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \| (\w+) \| .+ \|$", INDEX.read_text(), re.MULTILINE)

    listed = sorted((name, severity, seconds(lasting)) for name, severity, lasting in rows)
    assert listed == sorted((alert.name, alert.severity, alert.lasting) for alert in alerts())


# ---- commands ----


RUN_HERE = ("./rqmon", ".venv/bin/rq", ".venv/bin/python")
NOT_RUN_HERE = (
    "bgrewriteaof",
    "rq worker",
    "script kill",
)  # one fails while another runs, one never ends, one needs a running script
NEED_RUNNING_PROCESSES = ("rqmon health", "rqmon stop", "--state started")


@pytest.fixture(scope="module")
def environment(redis_server: RedisServer) -> dict[str, str]:
    path = f"{PROJECT_ROOT}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "RQ_REDIS_URL": redis_server.url, "PATH": path}


@pytest.fixture
def jobs(redis_client: Redis) -> str:
    """The id of a failed job; one job waits, and there are a worker and a cron job."""
    CronRegistry(redis_client).register(
        define(
            "time.sleep",
            "0 0 * * *",
            queue_name="short-running",
            timezone=ZoneInfo("UTC"),
            now=time.time(),
            timeout=120,
            cron_job_id="nightly",
        )
    )
    queue = Queue("short-running", connection=redis_client)
    failed = queue.enqueue("os.no_such_function")
    SimpleWorker([queue], connection=redis_client).work(burst=True)
    queue.enqueue("time.sleep", 0, depends_on=queue.enqueue("time.sleep", 0))
    SimpleWorker([queue], connection=redis_client).register_birth()  # type: ignore[no-untyped-call]
    return failed.id


@pytest.mark.slow
@pytest.mark.needs("redis-cli")
@pytest.mark.parametrize(
    "command",
    [
        each
        for each in commands()
        if each.startswith(RUN_HERE) and not any(part in each for part in NOT_RUN_HERE)
    ],
)
def test_the_commands_of_the_page_work(
    command: str, jobs: str, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    command = filled_in(command, JOB_ID=jobs)
    result = subprocess.run(
        ["bash", "-c", f"{command} --yes" if ASKS.match(command) else command],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    expected = 1 if _needs_running_processes(command) else 0
    assert result.returncode == expected, result.stdout + result.stderr


@pytest.fixture(scope="module")
def operator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis with the users of the stack, logged in as the operator."""
    directory = tmp_path_factory.mktemp("users")
    write_users(directory / "users.acl", directory)
    password = read_secret(directory, OPERATOR.secret)
    with RedisServer(directory, "--aclfile", str(directory / "users.acl")) as server:
        yield server.url.replace("//", f"//{OPERATOR.name}:{password}@")


@pytest.mark.slow
@pytest.mark.needs("redis-cli")
@pytest.mark.parametrize("command", [each for each in commands() if "redis-cli" in each])
def test_the_operator_has_the_rights_for_the_pages_redis_commands(command: str, operator_url: str) -> None:
    result = subprocess.run(
        ["bash", "-c", filled_in(command)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "RQ_REDIS_URL": operator_url},
        capture_output=True,
        text=True,
        check=False,
    )

    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert not re.search("NOPERM|NOAUTH|WRONGPASS|ERR ", said), said


def test_no_page_puts_the_password_of_redis_into_a_command_line() -> None:
    assert not [command for command in commands() if "$RQ_REDIS_URL" in command]


def _needs_running_processes(command: str) -> bool:
    """Without a cron scheduler or a running job, these commands fail with a message."""
    return any(part in command for part in NEED_RUNNING_PROCESSES)


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("make ")])
def test_named_make_targets_and_services_exist(command: str) -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    names = {word for word in shlex.split(command)[1:] if "=" not in word}
    services = re.findall(r"SERVICE=(\S+)", command)

    assert names <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    compose = "".join(path.read_text() for path in PROJECT_ROOT.glob("docker-compose*.yml"))
    assert all(f"\n  {service}:" in compose for service in services)


@pytest.mark.parametrize("command", [each for each in commands() if ".venv/bin/rq worker" in each])
def test_options_of_worker_commands_exist(command: str) -> None:
    usage = subprocess.run(
        [str(PROJECT_ROOT / ".venv" / "bin" / "rq"), "worker", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert all(option in usage for option in re.findall(r"--[a-z-]+", command))


def test_named_variables_exist() -> None:
    known = (PROJECT_ROOT / ".env.example").read_text()
    for path in [INDEX, *PAGES]:
        for name in re.findall(r"`((?:[A-Z]+_)+[A-Z]+)(?:=[^`]*)?`", path.read_text()):
            assert f"#{name}=" in known, f"{name} in {path.name}"
