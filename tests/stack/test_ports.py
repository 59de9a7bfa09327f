"""Ports that somebody else holds are found, with who it is, before anything starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.ports import check_ports_free
from stack.runtime import StackError
from stack.services import ALERTMANAGER, PROMETHEUS, SHORT_RUNNING_WORKER
from stack.settings import load_settings
from tests.harness.ports import free_port

NOBODY = Path(os.devnull)


def stranger(process: psutil.Process) -> bool:
    return False


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listener(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server((request.param, 0)) as server:
        yield server.getsockname()[1]


def test_free_ports_and_services_without_one_raise_nothing() -> None:
    settings = load_settings({"PROMETHEUS_PORT": str(free_port())}, NOBODY)

    check_ports_free(settings, [PROMETHEUS, SHORT_RUNNING_WORKER], stranger)


def test_a_port_in_use_is_told_with_service_holder_and_variable(listener: int) -> None:
    settings = load_settings({"PROMETHEUS_PORT": str(listener)}, NOBODY)

    with pytest.raises(StackError, match="nothing was started") as error:
        check_ports_free(settings, [PROMETHEUS], stranger)

    holder = f"in use by {psutil.Process().name()} (process {os.getpid()})"
    assert f"{listener} for prometheus: {holder}. Another port: PROMETHEUS_PORT=…" in str(error.value)


def test_all_ports_in_use_are_told_at_once(listener: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as second:
        ports = {"PROMETHEUS_PORT": str(listener), "ALERTMANAGER_PORT": str(second.getsockname()[1])}
        with pytest.raises(StackError) as error:
            check_ports_free(load_settings(ports, NOBODY), [PROMETHEUS, ALERTMANAGER], stranger)

    for variable, port in ports.items():
        assert variable in str(error.value)
        assert port in str(error.value)


def test_a_port_that_the_stack_itself_holds_is_no_conflict(listener: int) -> None:
    settings = load_settings({"PROMETHEUS_PORT": str(listener)}, NOBODY)

    check_ports_free(settings, [PROMETHEUS], lambda process: process.pid == os.getpid())


def test_a_connection_that_is_closing_holds_no_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first keeps the connection in TIME_WAIT
        client.close()

    check_ports_free(load_settings({"PROMETHEUS_PORT": str(port)}, NOBODY), [PROMETHEUS], stranger)
