"""Ports of this machine: who holds the ones that the stack needs."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Iterable

import psutil

from stack.runtime import StackError
from stack.services import Service
from stack.settings import BIND_ADDRESS, StackSettings


def check_ports_free(
    settings: StackSettings, services: Iterable[Service], is_ours: Callable[[psutil.Process], bool]
) -> None:
    """Raise StackError if a service cannot have its port; the one message tells about all of them.

    Args:
        settings: the stack's settings, which hold the ports.
        services: the services about to be started.
        is_ours: tells whether a process belongs to this stack, and may hold the port.
    """
    conflicts = [
        f"  {settings.port(service)} for {service.name}: {problem}. Another port: {service.port_variable}=…"
        for service in services
        if service.port_variable and (problem := _port_problem(settings.port(service), is_ours))
    ]
    if conflicts:
        raise StackError(
            "These ports cannot be had, so nothing was started:\n"
            + "\n".join(conflicts)
            + "\nStop what holds them, or set the variables in the environment or in .env."
        )


def _port_problem(port: int, is_ours: Callable[[psutil.Process], bool]) -> str | None:
    with socket.socket() as probe:
        # As servers do: a connection that is closing (TIME_WAIT) does not hold the port, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((BIND_ADDRESS, port))
        except PermissionError:
            return "this user may not listen on it"
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            holder = _holder(port)
            return None if holder and is_ours(holder) else f"in use by {_describe(holder)}"
    return None


def _holder(port: int) -> psutil.Process | None:
    """Return the process that listens on the port, as far as this user may know."""
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
