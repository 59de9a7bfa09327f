"""Updates defaults and ports in files that other programs and people read.

A default is written as `${NAME:-default}` or `ARG NAME=default`. On pages it follows the name, in brackets.
"""

from __future__ import annotations

import re
from pathlib import Path

from stack.services import CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, SERVICES
from stack.settings import PROJECT_ROOT
from stack.variables import SETTINGS

FILES = (
    CORE_COMPOSE_FILE,
    MONITOR_COMPOSE_FILE,
    "stack/compose/common.yml",
    "deploy/swarm/docker-compose-swarm.yml",
    "Dockerfile",
    "prometheus/prometheus.yml",
    "docs/understand/architecture.md",
    "docs/operate/operations.md",
)

DEFAULTS = {variable.name: variable.default_text for variable in SETTINGS if variable.default_text}
PORTS = {service.name: str(service.port) for service in SERVICES if service.port}
PORTS_BY_VARIABLE = {service.port_variable: str(service.port) for service in SERVICES if service.port}

BEFORE_DEFAULTS = (
    (r"\$\{", r":-", r"[^${}]+"),
    (r"^ARG ", r"=", r"\S+$"),
    (r"`", r"` \(", r"[^()\s]+(?=\))"),
)
"""Patterns: before a name, between the name and its default, and the default itself."""


def files_with_defaults() -> dict[Path, str]:
    """Return the text of each file as it should be."""
    paths = [PROJECT_ROOT / name for name in FILES]
    return {path: with_defaults(path.read_text(encoding="utf-8")) for path in paths}


def with_defaults(text: str) -> str:
    """Return the text with the declared defaults and ports."""
    for before, between, default in BEFORE_DEFAULTS:
        pattern = re.compile(rf"({before})([A-Z_]+)({between})({default})", re.MULTILINE)
        text = pattern.sub(_with_default, text)
    # Inside a container each service has its default port, whatever it is on this machine.
    text = re.sub(r"(\$\{([A-Z_]+_PORT):-\d+\}:)(\d+)", _with_port_of_variable, text)
    return re.sub(r'((?:(?<=//)|(?<=["`]))([a-z-]+):)(\d{2,5})\b', _with_port_of_service, text)


def _with_default(found: re.Match[str]) -> str:
    before, name, between, default = found.groups()
    return f"{before}{name}{between}{DEFAULTS.get(name, default)}"


def _with_port_of_variable(found: re.Match[str]) -> str:
    before, variable, port = found.groups()
    return f"{before}{PORTS_BY_VARIABLE.get(variable, port)}"


def _with_port_of_service(found: re.Match[str]) -> str:
    before, service, port = found.groups()
    return f"{before}{PORTS.get(service, port)}"
