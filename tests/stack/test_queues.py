"""RQ_MON_QUEUES: valid values, and the resulting workers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.swarm.__main__ import _composed
from stack import services
from stack.compose.queues import names_in_file, queue_services, write_file
from stack.native.commands import NativeContext, command
from stack.queues import read_queues, worker_of, written
from stack.runtime import StackError
from stack.services import APPLICATION_SERVICES, CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, SERVICES
from stack.settings import PROJECT_ROOT, StackSettings, load_settings

ODD = ["emails:high", "shop/mail", "a@b", "{shop}:mail", "-x", "...", "x" * 100, "cron-scheduler", "Mail"]


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def with_queues(dotenv: Path, queues: str, **environment: str) -> StackSettings:
    return load_settings({"RQ_MON_QUEUES": queues, **environment}, dotenv)


def test_a_list_of_queues_is_written_as_it_was_read() -> None:
    assert read_queues(" mail:2, reports:0,emails:high:99") == {"mail": 2, "reports": 0, "emails:high": 99}
    assert written(read_queues("mail:2,emails:high:1")) == "mail:2,emails:high:1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mail", "QUEUE:WORKERS,… such as mail:2,reports:1, got 'mail'"),
        ("mail:2,", "QUEUE:WORKERS,… such as mail:2,reports:1, got ''"),
        ("mail:2,,reports:1", "QUEUE:WORKERS,… such as mail:2,reports:1, got ''"),
        (":2", "names of 1 to 100 letters, digits and any of _.:/@+{}-, got ''"),
        ("ma il:2", "names of 1 to 100 letters, digits and any of _.:/@+{}-, got 'ma il'"),
        ("post,bü:2", "QUEUE:WORKERS,… such as mail:2,reports:1, got 'post'"),
        ("bücher:2", "names of 1 to 100 letters, digits and any of _.:/@+{}-, got 'bücher'"),
        ("a$b:2", "names of 1 to 100 letters, digits and any of _.:/@+{}-, got 'a$b'"),
        (f"{'x' * 101}:1", f"names of 1 to 100 letters, digits and any of _.:/@+{{}}-, got '{'x' * 101}'"),
        ("mail:100", "workers of mail as a whole number from 0 to 99, got '100'"),
        ("mail:-1", "workers of mail as a whole number from 0 to 99, got '-1'"),
        ("mail:many", "workers of mail as a whole number from 0 to 99, got 'many'"),
        ("mail:", "workers of mail as a whole number from 0 to 99, got ''"),
        ("mail:1.5", "workers of mail as a whole number from 0 to 99, got '1.5'"),
        ("mail:2,reports:1,mail:2", "each queue once, got 'mail' twice"),
    ],
)
def test_refuses_an_invalid_list_of_queues_and_names_the_wrong_part(
    dotenv: Path, text: str, problem: str
) -> None:
    with pytest.raises(StackError) as error:
        with_queues(dotenv, text)

    assert str(error.value) == f"RQ_MON_QUEUES: expected {problem}"


@pytest.mark.parametrize("queue", ["mail", *ODD])
def test_every_queue_has_a_service_with_a_valid_name(queue: str) -> None:
    worker = worker_of(queue)

    assert worker.queue == queue
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*-worker", worker.name)
    assert worker.name not in {service.name for service in SERVICES}


def test_no_two_queues_share_a_service() -> None:
    names = [worker_of(queue).name for queue in ("a/b", "a:b", "a-b", "a.b", "/a-b", "a_b", *ODD)]

    assert len(set(names)) == len(names)


def test_a_stack_without_settings_has_the_two_default_queues(dotenv: Path) -> None:
    settings = load_settings({}, dotenv)

    assert tuple(settings.services()) == SERVICES
    assert settings.idle_workers() == []


def test_listed_queues_take_the_position_of_the_default_ones(dotenv: Path) -> None:
    settings = with_queues(dotenv, "mail:2,reports:0,long-running:3")

    names = [service.name for service in settings.services()]
    assert names[:4] == ["redis", "mail-worker", "long-running-worker", "cron-scheduler"]
    assert settings.number(worker_of("mail")) == 2
    assert settings.number(services.LONG_RUNNING_WORKER) == 3
    assert {each.name for each in settings.idle_workers()} == {"reports-worker", "short-running-worker"}


def test_no_worker_runs_if_another_redis_is_watched(dotenv: Path) -> None:
    settings = with_queues(dotenv, "mail:2", RQ_REDIS_URL="redis://queues.example/0")

    assert settings.external_services() == {*APPLICATION_SERVICES, worker_of("mail")}
    assert queue_services(settings) == {}


def test_a_number_of_workers_beside_the_list_is_refused(dotenv: Path) -> None:
    with pytest.raises(StackError) as error:
        with_queues(dotenv, "mail:2", LONG_RUNNING_WORKERS="3")

    assert str(error.value) == (
        "LONG_RUNNING_WORKERS: expected it unset, because RQ_MON_QUEUES sets the workers of every queue;"
        " got '3'"
    )


def test_scaling_changes_one_number_in_the_list(dotenv: Path) -> None:
    settings = with_queues(dotenv, "mail:2,emails:high:1")

    assert [settings.scaled("emails:high", "5")[0].name, settings.scaled("emails:high", "5")[1]] == [
        "RQ_MON_QUEUES",
        "mail:2,emails:high:5",
    ]
    assert settings.scaled("mail", "0")[1] == "mail:0,emails:high:1"
    with pytest.raises(StackError, match="QUEUE: expected mail or emails:high, got 'short-running'"):
        settings.scaled("short-running", "2")
    with pytest.raises(StackError, match="WORKERS: expected a whole number from 0 to 99, got '100'"):
        settings.scaled("mail", "100")


@pytest.mark.parametrize("queue", ODD)
def test_a_process_gets_the_unchanged_name_of_its_queue(dotenv: Path, tmp_path: Path, queue: str) -> None:
    settings = with_queues(dotenv, f"{queue}:4", RQ_RESULT_TTL_SECONDS="77")

    run = command(worker_of(queue), NativeContext(settings, tmp_path / "native"))

    assert run.arguments[1:] == ("-m", "scheduler.worker_process", queue)
    assert (run.number, run.stop_within) == (4, settings.stop_grace)
    assert run.environment["RQ_RESULT_TTL_SECONDS"] == "77"
    assert all(source.exists() for source in run.sources)


def test_a_swarm_refuses_queues_of_the_users_own(dotenv: Path) -> None:
    with pytest.raises(StackError, match="RQ_MON_QUEUES: a swarm runs the two queues"):
        _composed(with_queues(dotenv, "mail:2"))


# ---- the file for compose ----


def test_the_compose_file_contains_only_queues_that_the_core_lacks(dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "queues.yml"
    write_file(queue_services(with_queues(dotenv, "mail:2,emails:high:0,short-running:1")), file)

    assert names_in_file(file) == {"mail-worker", worker_of("emails:high").name}
    write_file(queue_services(load_settings({}, dotenv)), file)
    assert not file.exists()
    assert names_in_file(file) == set()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker command here")
def test_compose_reads_a_users_worker_like_our_own(dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "queues.yml"
    queues = ["mail", *ODD]
    write_file(queue_services(with_queues(dotenv, ",".join(f"{queue}:3" for queue in queues))), file)

    composed = compose_config(file)
    if composed is None:
        pytest.skip("docker has no compose here")

    ours = composed["services"]["long-running-worker"]
    for queue in queues:
        theirs = composed["services"][worker_of(queue).name]
        assert theirs["command"] == ["python", "-m", "scheduler.worker_process", queue]
        assert theirs["deploy"]["replicas"] == 3
        assert theirs["healthcheck"]["test"][-1] == queue
        differ = {key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
        assert differ == {"command", "deploy", "healthcheck"}


def compose_config(file: Path) -> dict[str, Any] | None:
    files = [f"--file={PROJECT_ROOT / name}" for name in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)]
    words = ["docker", "compose", f"--project-directory={PROJECT_ROOT}", *files, f"--file={file}"]
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        return None
    result = subprocess.run(
        [*words, "config", "--format", "json"], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    composed: dict[str, Any] = json.loads(result.stdout)
    return composed


def test_the_compose_file_says_where_it_comes_from(dotenv: Path, tmp_path: Path) -> None:
    file = tmp_path / "queues.yml"
    write_file(queue_services(with_queues(dotenv, "mail:2")), file)

    assert file.read_text().startswith("# Written by make from RQ_MON_QUEUES.")
    assert yaml.safe_load(file.read_text())["services"]["mail-worker"]["deploy"] == {"replicas": 2}
