"""A Docker Swarm of this engine alone, made for tests. Its label tells whichever process ends it."""

from __future__ import annotations

import shutil
import subprocess

LABEL = "rq-mon-tests"
SWARMS_BRIDGE = "docker_gwbridge"
"""A swarm leaves it behind; an engine without one has no use for it."""


def make_swarm() -> bool:
    """Make the swarm, and return whether there is one for tests: an engine in another swarm is left alone."""
    if _says("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive":
        _run("swarm", "init", "--advertise-addr", "127.0.0.1")
        node = _says("node", "inspect", "self", "--format", "{{.ID}}")
        _run("node", "update", "--label-add", f"{LABEL}=yes", node)
    return is_swarm_of_tests()


def is_swarm_of_tests() -> bool:
    return _says("node", "inspect", "self", "--format", f'{{{{index .Spec.Labels "{LABEL}"}}}}') == "yes"


def leave_swarm_of_tests() -> None:
    """End it, if there is one. The engine then forgets the names of all containers in its other networks."""
    if is_swarm_of_tests():
        _run("swarm", "leave", "--force")
        _run("network", "rm", SWARMS_BRIDGE)


def _run(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], capture_output=True, check=True)


def _says(*arguments: str) -> str:
    """What docker prints; nothing where there is no engine, or no swarm."""
    if not shutil.which("docker"):
        return ""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout.strip()
