"""How a container does, from what `docker inspect` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from stack.runtime import Health, State
from stack.services import Service

RESTARTS_THAT_ARE_A_LOOP = 3

Container = Mapping[str, Any]
"""One object of `docker inspect`."""


def containers_of(service: Service, containers: Iterable[Container]) -> list[Container]:
    """Return the containers of one service: more than one if it is scaled."""
    return [
        container
        for container in containers
        if container["Config"]["Labels"]["com.docker.compose.service"] == service.name
    ]


def published_ports(containers: Iterable[Container]) -> set[int]:
    """Return the ports of this machine that the running containers hold."""
    return {
        int(binding["HostPort"])
        for container in containers
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }


def mounted_files_changed(container: Container) -> bool:
    """Tell whether a file that it mounts from this machine is newer than the start of the container.

    Compose does not look into mounted files, and an editor that replaces the old file by a new one
    leaves the old one mounted.
    """
    if not container["State"]["Running"]:
        return False
    started = datetime.fromisoformat(container["State"]["StartedAt"]).timestamp()
    sources = [Path(mount["Source"]) for mount in container["Mounts"] if mount["Type"] == "bind"]
    paths = [path for source in sources for path in (source, *source.rglob("*"))]
    return any(_is_newer(path, started) for path in paths)


def _is_newer(path: Path, moment: float) -> bool:
    try:
        status = path.stat()
        # An older file that is moved to its place is a change as well.
        return max(status.st_mtime, status.st_ctime) > moment
    except OSError:  # a link to nowhere, or a path of the machine where the engine is, and not of this one
        return False


def state_of(container: Container) -> State:
    """Return the state of one container; HEALTHY is one that runs and has no health check of its own."""
    state = container["State"]
    match state["Status"]:
        case "running":
            found = _state_by_health_check(state.get("Health"))
        case "restarting":
            found = State(Health.STARTING)
        case "paused":
            return State(Health.FAILED, "paused")
        case _:
            return State(Health.FAILED, state["Error"]) if state["Error"] else State(Health.STOPPED)
    restarts = container["RestartCount"]
    if found.health is Health.STARTING and restarts >= RESTARTS_THAT_ARE_A_LOOP:
        return State(Health.FAILED, f"restarted {restarts} times, does not stay up")
    return found


def is_unwell(container: Container) -> bool:
    """Tell whether a container runs and does not work: a restart may help it."""
    state = container["State"]
    check = state.get("Health") or {}
    return state["Status"] == "paused" or (
        state["Status"] == "running" and check.get("Status") == "unhealthy"
    )


def _state_by_health_check(check: Mapping[str, Any] | None) -> State:
    match check:
        case {"Status": "starting"}:
            return State(Health.STARTING)
        case {"Status": "unhealthy", "Log": [*_, last]}:
            return State(Health.FAILED, _last_line(last["Output"]))
        case _:
            return State(Health.HEALTHY)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
