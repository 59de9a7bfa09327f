"""Settings of the stack as a whole: which runtime, and on which ports of this machine.

They come from the environment and, for what is not set there, from the file `.env` in the project's root:
the same file, with the same precedence, that docker compose reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.dotenv import read_dotenv
from stack.runtime import StackError
from stack.services import SERVICES, Service

PROJECT_ROOT = Path(__file__).resolve().parent.parent
STATE_DIRECTORY = PROJECT_ROOT / ".rq-mon"
"""All that a running stack writes: data, logs, secrets. Git ignores it."""

BIND_ADDRESS = "127.0.0.1"
"""Ports are not for other machines: Redis runs what it is given, and the pages have no login."""

RUNTIME_VARIABLE = "RUNTIME"
RUNTIMES = ("compose", "native")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What the user chose."""

    runtime: str | None
    """The runtime asked for, None to take what this machine can."""
    ports: Mapping[str, int]
    """Port on this machine by its variable (Service.port_variable)."""
    environment: Mapping[str, str]
    """The environment with `.env` filled in: for the processes of the stack, and for docker compose."""

    def port(self, service: Service) -> int:
        """Return the port on this machine of a service that has one."""
        if service.port_variable is None:
            raise ValueError(f"{service.name} has no port")
        return self.ports[service.port_variable]

    def url(self, service: Service) -> str | None:
        """Return the address that people open, None for a service without a page."""
        if service.ui_path is None:
            return None
        return f"http://{BIND_ADDRESS}:{self.port(service)}{service.ui_path}"


def load_settings(
    environment: Mapping[str, str] | None = None, dotenv: Path = PROJECT_ROOT / ".env"
) -> StackSettings:
    """Read the settings; a variable that is unset or empty keeps its default.

    Raises:
        StackError: a value cannot be used; the message names every such variable and what is expected.
    """
    environment = read_dotenv(dotenv) | dict(os.environ if environment is None else environment)
    problems: list[str] = []
    runtime = _read_runtime(environment, problems)
    ports = _read_ports(environment, problems)
    if problems:
        raise StackError("\n".join(problems))
    return StackSettings(runtime, ports, environment)


def _read_runtime(environment: Mapping[str, str], problems: list[str]) -> str | None:
    value = environment.get(RUNTIME_VARIABLE, "").strip()
    if value and value not in RUNTIMES:
        problems.append(f"{RUNTIME_VARIABLE}: expected {' or '.join(RUNTIMES)}, got {value!r}")
    return value or None


def _read_ports(environment: Mapping[str, str], problems: list[str]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for service in SERVICES:
        variable = service.port_variable
        if variable is None or service.port is None or variable in ports:
            continue
        text = environment.get(variable, "").strip() or str(service.port)
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
            problems.append(f"{variable}: expected a port, a whole number from 1 to 65535, got {text!r}")
            continue
        for other, port in ports.items():
            if port == int(text):
                problems.append(
                    f"{variable}: {text} is already taken by {other}; two services need two ports"
                )
        ports[variable] = int(text)
    return ports
