"""The state of containers, read from `docker inspect`."""

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
    """Return the containers of a service. A scaled service has more than one."""
    return [
        container
        for container in containers
        if container["Config"]["Labels"]["com.docker.compose.service"] == service.name
    ]


def published_ports(containers: Iterable[Container]) -> set[int]:
    """Return the ports of this machine that running containers publish."""
    return {
        int(binding["HostPort"])
        for container in containers
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }


def mounted_files_changed(container: Container) -> bool:
    """Return whether a mounted file has changed since the container started.

    Compose does not check mounted files. If an editor replaces a file, the container keeps
    the old one mounted.
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
        # An older file that was moved here counts as a change, too.
        return max(status.st_mtime, status.st_ctime) > moment
    except OSError:  # a dangling link, or a path on the machine of a remote engine
        return False


def state_of(container: Container) -> State:
    """Return the state of a container. One that runs without a health check counts as HEALTHY."""
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


def is_broken(container: Container) -> bool:
    """Return whether a container runs but does not work, so that a restart may help."""
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
