"""A Docker Swarm of this engine alone, made for tests. Its label tells whichever process ends it."""

from __future__ import annotations

import subprocess

LABEL = "rq-mon-tests"
SWARMS_BRIDGE = "docker_gwbridge"
"""A swarm leaves it behind; an engine without one has no use for it."""


def make_swarm() -> bool:
    """Make the swarm, and return whether there is one for tests: an engine in another swarm is left alone."""
    if _says("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive":
        subprocess.run(
            ["docker", "swarm", "init", "--advertise-addr", "127.0.0.1"], capture_output=True, check=True
        )
        subprocess.run(
            ["docker", "node", "update", "--label-add", f"{LABEL}=yes", "self"],
            capture_output=True,
            check=True,
        )
    return is_swarm_of_tests()


def is_swarm_of_tests() -> bool:
    return _says("node", "inspect", "self", "--format", f'{{{{index .Spec.Labels "{LABEL}"}}}}') == "yes"


def leave_swarm_of_tests() -> None:
    """End it, if there is one. The engine then forgets the names of all containers in its other networks."""
    if is_swarm_of_tests():
        subprocess.run(["docker", "swarm", "leave", "--force"], capture_output=True, check=True)
        subprocess.run(["docker", "network", "rm", SWARMS_BRIDGE], capture_output=True, check=False)


def _says(*arguments: str) -> str:
    """What docker prints; nothing where there is no engine, or no swarm."""
    asked = subprocess.run(
        ["sh", "-c", 'exec docker "$@"', "docker", *arguments], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()
