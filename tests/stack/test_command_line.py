"""`python -m stack`: its answers to what is impossible; tests/stack/native starts a stack with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack.redis_users import OPERATOR
from stack.secrets import read_secret
from stack.settings import PROJECT_ROOT, SECRETS_DIRECTORY

pytestmark = pytest.mark.slow


def run_stack(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *arguments],
        cwd=PROJECT_ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_unknown_runtime_is_refused_by_name() -> None:
    result = run_stack("start", RUNTIME="podman")

    assert result.returncode == 1
    assert result.stderr == "RUNTIME: expected compose or native, got 'podman'\n"


def test_compose_without_an_engine_is_refused() -> None:
    result = run_stack("start", RUNTIME="compose", DOCKER_HOST="unix:///nowhere.sock")

    assert result.returncode == 1
    assert result.stderr == (
        "RUNTIME=compose: no Docker engine answers on this machine. Start Docker, or set RUNTIME=native\n"
    )


@pytest.mark.parametrize("command", ["logs", "stop"])
@pytest.mark.parametrize("name", ["mysql", "", " redis", "short-running-worker-2"])
def test_an_unknown_service_is_refused_by_name(command: str, name: str) -> None:
    result = run_stack(command, name, RUNTIME="native")

    assert result.returncode == 1
    assert result.stderr.startswith("SERVICE: expected one of redis, short-running-worker, ")
    assert f"got {name!r}" in result.stderr


def test_an_old_name_of_a_service_is_refused_with_the_new_one() -> None:
    result = run_stack("logs", "preview", RUNTIME="podman")

    assert result.stderr.splitlines() == [
        "SERVICE=preview: the service is called viewer now; the next release refuses preview.",
        "RUNTIME: expected compose or native, got 'podman'",
    ]


PRINT_REDIS = """
import os
print(*(os.environ.get(f"RQ_REDIS_{name}") for name in ("URL", "USERNAME", "PASSWORD_FILE")))
raise SystemExit(7)
"""


def test_exec_passes_the_address_of_redis_with_the_operator_and_returns_the_exit_code() -> None:
    result = run_stack(
        *("exec", sys.executable, "-c", PRINT_REDIS),
        REDIS_PORT="7123",
        RQ_REDIS_URL="",
        RQ_REDIS_USERNAME="worker",
        RQ_REDIS_PASSWORD_FILE="/of/an/application",
    )

    password = read_secret(SECRETS_DIRECTORY, OPERATOR.secret)
    assert result.stdout == f"redis://operator:{password}@127.0.0.1:7123/0 None None\n"
    assert result.returncode == 7


def test_the_fast_exec_does_the_same_without_importing_redis_py() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stack.as_operator", sys.executable, "-c", PRINT_REDIS],
        cwd=PROJECT_ROOT,
        env=os.environ | {"REDIS_PORT": "7123", "RQ_REDIS_URL": "", "RQ_REDIS_USERNAME": "worker"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    password = read_secret(SECRETS_DIRECTORY, OPERATOR.secret)
    assert result.stdout == f"redis://operator:{password}@127.0.0.1:7123/0 None None\n"
    assert result.returncode == 7
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "stack.settings" in loaded
    assert loaded & {"redis", "rq", "rich", "yaml", "psutil"} == set()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "expected a command to run: python -m stack exec rq info"),
        (("no-such-program",), "no-such-program: No such file or directory"),
    ],
)
def test_the_fast_exec_reports_its_errors(words: tuple[str, ...], says: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stack.as_operator", *words],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (result.returncode, result.stderr) == (1, f"{says}\n")


def test_ctrl_c_during_exec_goes_to_the_command() -> None:
    code = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    raise SystemExit(7)
"""
    process = subprocess.Popen(
        [sys.executable, "-m", "stack", "exec", sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does

    assert process.returncode == 7


def test_exec_passes_another_redis_with_its_given_user(tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("secret")

    result = run_stack(
        *("exec", sys.executable, "-c", PRINT_REDIS),
        RQ_REDIS_URL="rediss://queues.example/2",
        RQ_REDIS_USERNAME="ann",
        RQ_REDIS_PASSWORD_FILE=str(password_file),
    )

    assert result.stdout == "rediss://ann:secret@queues.example/2 None None\n"


def test_exec_reports_a_missing_program() -> None:
    result = run_stack("exec", "no-such-program")

    assert result.returncode == 1
    assert result.stderr == "no-such-program: No such file or directory\n"
