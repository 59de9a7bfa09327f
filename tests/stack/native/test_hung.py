"""Services that run but do not answer: each is detected within a deadline, and only it is restarted."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from stack.native.commands import Command
from stack.native.health import find_fault
from stack.native.processes import end_all
from stack.native.runtime import NativeRuntime
from stack.native.supervisor_config import render
from stack.runtime import Health, StackError
from stack.services import REDIS_EXPORTER, RQ_EXPORTER, SHORT_RUNNING_WORKER
from stack.settings import load_settings

pytestmark = pytest.mark.slow

ANSWERS = "connection.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n'); connection.close()"
IS_SILENT = "connections.append(connection)"
DRIPS = "[(connection.sendall(b'H'), time.sleep(0.1)) for _ in range(3000)]"
SERVER = """
import contextlib, socket, sys, threading, time
connections = []
def answer(connection):
    with contextlib.suppress(OSError):
        {behaviour}
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()
"""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[NativeRuntime]:
    """A stack of two exporters, removed after the test."""
    ports = {str(each.port_variable): str(free_port()) for each in (RQ_EXPORTER, REDIS_EXPORTER)}
    yield NativeRuntime(load_settings(ports, tmp_path / ".env"), tmp_path)
    end_all(tmp_path, grace=0)


def start(runtime: NativeRuntime, of_redis_exporter: str, first_seconds: int = 0) -> None:
    """Start two services. supervisord calls them STARTING for `first_seconds`; 0 leaves it at one second."""
    behaviours = {RQ_EXPORTER: ANSWERS, REDIS_EXPORTER: of_redis_exporter}
    commands = {}
    for service, behaviour in behaviours.items():
        script = runtime.directory / f"{service.name}.py"
        script.write_text(SERVER.format(behaviour=behaviour))
        commands[service] = Command((sys.executable, str(script), str(runtime.settings.port(service))))
    (runtime.directory / "logs").mkdir()
    configuration = render(runtime.directory, commands)
    if first_seconds:
        configuration = re.sub(
            "^autorestart", f"startsecs = {first_seconds}\nautorestart", configuration, flags=re.M
        )
    runtime.supervisor.config_path.write_text(configuration)
    runtime.supervisor.start(os.environ)
    wait_until(lambda: find_fault(RQ_EXPORTER, runtime.context) == "", "the exporter that answers", within=60)
    wait_until(
        lambda: "refused" not in find_fault(REDIS_EXPORTER, runtime.context), "the other to listen", within=60
    )


def numbers(runtime: NativeRuntime) -> dict[str, int]:
    return {name: process.pid for name, process in runtime.supervisor.processes().items()}


def test_a_service_is_healthy_as_soon_as_it_answers(runtime: NativeRuntime) -> None:
    """supervisord calls every program STARTING for its first second, here for its first minute."""
    start(runtime, IS_SILENT, first_seconds=60)

    states = runtime.states()

    assert {each.state for each in runtime.supervisor.processes().values()} == {"STARTING"}
    assert states[RQ_EXPORTER].health is Health.HEALTHY
    assert states[REDIS_EXPORTER].health is Health.STARTING
    assert "timed out" in states[REDIS_EXPORTER].detail


@pytest.mark.parametrize("behaviour", [IS_SILENT, DRIPS])
def test_only_the_service_that_does_not_answer_in_time_is_restarted(
    runtime: NativeRuntime, behaviour: str
) -> None:
    start(runtime, behaviour)
    before = numbers(runtime)
    asked = time.monotonic()

    fault = find_fault(REDIS_EXPORTER, runtime.context)
    took = time.monotonic() - asked
    restarted = runtime.restart_broken([RQ_EXPORTER, REDIS_EXPORTER])

    assert "timed out" in fault
    assert took < 60, "what drips goes on for five minutes"
    assert restarted == [REDIS_EXPORTER]
    wait_until(lambda: numbers(runtime)[REDIS_EXPORTER.name] not in (0, before[REDIS_EXPORTER.name]), "it")
    assert numbers(runtime)[RQ_EXPORTER.name] == before[RQ_EXPORTER.name]


def test_nothing_is_restarted_while_the_watched_redis_does_not_answer(runtime: NativeRuntime) -> None:
    start(runtime, ANSWERS)

    assert runtime.restart_broken([SHORT_RUNNING_WORKER, RQ_EXPORTER]) == []


def test_a_service_of_a_stack_that_does_not_run_is_not_restarted(runtime: NativeRuntime) -> None:
    with pytest.raises(StackError, match="The stack is not running"):
        runtime.restart(RQ_EXPORTER)
