"""Ports in use are found, with the name of the program that uses them, before anything starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from proofs.harness.ports import free_port
from stack.ports import check_logins, check_ports_free, notes_of_open_ports
from stack.runtime import StackError
from stack.services import ALERTMANAGER, GRAFANA, PROMETHEUS, REDIS, SHORT_RUNNING_WORKER, VIEWER
from stack.settings import load_settings

NO_ENV_FILE = Path(os.devnull)


def stranger(process: psutil.Process) -> bool:
    return False


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listener(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server((request.param, 0)) as server:
        yield server.getsockname()[1]


def test_free_ports_and_services_without_ports_pass_the_check_and_stay_free() -> None:
    port = free_port()
    settings = load_settings({"PROMETHEUS_PORT": str(port)}, NO_ENV_FILE)

    check_ports_free(settings, [PROMETHEUS, SHORT_RUNNING_WORKER], stranger)

    socket.create_server(("127.0.0.1", port)).close()  # the check has left the port free


def test_reports_a_port_in_use_with_service_holder_and_variable(listener: int) -> None:
    settings = load_settings({"PROMETHEUS_PORT": str(listener)}, NO_ENV_FILE)

    with pytest.raises(StackError, match="nothing was started") as error:
        check_ports_free(settings, [PROMETHEUS], stranger)

    holder = f"in use by {psutil.Process().name()} (process {os.getpid()})"
    assert f"{listener} for prometheus: {holder}. Another port: PROMETHEUS_PORT=…" in str(error.value)


def test_reports_all_ports_in_use_together(listener: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as second:
        ports = {"PROMETHEUS_PORT": str(listener), "ALERTMANAGER_PORT": str(second.getsockname()[1])}
        with pytest.raises(StackError) as error:
            check_ports_free(load_settings(ports, NO_ENV_FILE), [PROMETHEUS, ALERTMANAGER], stranger)

    for variable, port in ports.items():
        assert variable in str(error.value)
        assert port in str(error.value)


def test_a_port_of_the_running_stack_is_no_conflict(listener: int) -> None:
    settings = load_settings({"PROMETHEUS_PORT": str(listener)}, NO_ENV_FILE)

    check_ports_free(settings, [PROMETHEUS], lambda process: process.pid == os.getpid())


def test_a_closing_connection_does_not_block_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first keeps the connection in TIME_WAIT
        client.close()

    check_ports_free(load_settings({"PROMETHEUS_PORT": str(port)}, NO_ENV_FILE), [PROMETHEUS], stranger)


# ---- ports that the user opens ----


def test_reports_a_foreign_address_with_its_variable() -> None:
    settings = load_settings(
        {"REDIS_BIND_ADDRESS": "203.0.113.9", "REDIS_PORT": str(free_port())}, NO_ENV_FILE
    )

    with pytest.raises(StackError, match=r"203\.0\.113\.9, which REDIS_BIND_ADDRESS names"):
        check_ports_free(settings, [REDIS], stranger)


def test_a_port_is_checked_at_the_address_of_its_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        elsewhere = load_settings({"REDIS_BIND_ADDRESS": "127.0.0.2", "REDIS_PORT": port}, NO_ENV_FILE)
        everywhere = load_settings({"REDIS_BIND_ADDRESS": "0.0.0.0", "REDIS_PORT": port}, NO_ENV_FILE)

        check_ports_free(elsewhere, [REDIS], stranger)
        with pytest.raises(StackError, match=f"{port} for redis: in use by"):
            check_ports_free(everywhere, [REDIS], stranger)


def test_grafana_can_be_opened_but_not_the_viewer_that_replaces_it() -> None:
    settings = load_settings({"GRAFANA_BIND_ADDRESS": "0.0.0.0"}, NO_ENV_FILE)

    check_logins(settings, [GRAFANA, PROMETHEUS, SHORT_RUNNING_WORKER])
    with pytest.raises(
        StackError, match=r"GRAFANA_BIND_ADDRESS: expected 127\.0\.0\.1.*viewer.*this machine only"
    ):
        check_logins(settings, [VIEWER, PROMETHEUS])


def test_open_ports_are_reported() -> None:
    settings = load_settings({"REDIS_BIND_ADDRESS": "0.0.0.0"}, NO_ENV_FILE)

    assert notes_of_open_ports(settings, [REDIS, GRAFANA, PROMETHEUS]) == [
        "redis is open to other machines (REDIS_BIND_ADDRESS=0.0.0.0);"
        " passwords cross the network unencrypted"
    ]
