"""Ports of this machine: find the process that holds a port the stack needs."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Iterable

import psutil

from stack.runtime import StackError
from stack.services import Service
from stack.settings import StackSettings
from stack.variables import BIND_ADDRESS, FOR_THIS_MACHINE


def check_ports_free(
    settings: StackSettings, services: Iterable[Service], is_ours: Callable[[psutil.Process], bool]
) -> None:
    """Raise one StackError that lists every service whose port is not free.

    Args:
        settings: the stack's settings, which hold the ports.
        services: the services about to be started.
        is_ours: returns whether a process belongs to this stack, and may hold the port.
    """
    conflicts = [
        f"  {settings.port(service)} for {service.name}: {problem}"
        for service in services
        if service.port_variable and (problem := _port_problem(service, settings, is_ours))
    ]
    if conflicts:
        raise StackError(
            "These ports are not free, so nothing was started:\n"
            + "\n".join(conflicts)
            + "\nStop the processes that hold them, or set these variables in .env to other ports."
        )


def check_logins(settings: StackSettings, services: Iterable[Service]) -> None:
    """Raise StackError if a service without a login would be open to other machines.

    Args:
        settings: the stack's settings, which say what the user opens.
        services: the services about to be started.
    """
    for service in services:
        if settings.is_open(service) and not service.has_login:
            raise StackError(
                f"{service.bind_variable}: expected {BIND_ADDRESS}, got {settings.bind_address(service)!r}:"
                f" {service.name}, which runs here, {FOR_THIS_MACHINE}. Nothing was changed."
            )


def notes_of_open_ports(settings: StackSettings, services: Iterable[Service]) -> list[str]:
    """Name the services that are open to other machines."""
    return [
        f"{service.name} is open to other machines ({service.bind_variable}="
        f"{settings.bind_address(service)}); passwords cross the network unencrypted"
        for service in services
        if settings.is_open(service)
    ]


def _port_problem(
    service: Service, settings: StackSettings, is_ours: Callable[[psutil.Process], bool]
) -> str | None:
    port, address = settings.port(service), settings.bind_address(service)
    another = f"Another port: {service.port_variable}=…"
    with socket.socket() as probe:
        # Like servers do: a closing connection (TIME_WAIT) does not hold the port, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            return f"this user may not listen on it. {another}"
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return (
                    f"this machine does not have the address {address}, which {service.bind_variable} names"
                )
            if error.errno != errno.EADDRINUSE:
                raise
            holder = _holder(port)
            return None if holder and is_ours(holder) else f"in use by {_describe(holder)}. {another}"
    return None


def _holder(port: int) -> psutil.Process | None:
    """Describe the process that listens on the port, if this user may see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr and connection.laddr.port == port and connection.pid:
                return psutil.Process(connection.pid)
    return None


def _describe(process: psutil.Process | None) -> str:
    if process is None:
        return "a process of another user"
    with contextlib.suppress(psutil.Error):
        return f"{process.name()} (process {process.pid})"
    return f"process {process.pid}"
