"""A Docker Swarm with only this engine, created for tests.

Its label shows that any test process may end it.
"""

from __future__ import annotations

import shutil
import subprocess

LABEL = "rq-mon-tests"
SWARMS_BRIDGE = "docker_gwbridge"
"""A swarm leaves it behind, and an engine without a swarm does not need it."""


def make_swarm() -> bool:
    """Create the swarm; return whether there is one for tests. An engine in another swarm is left alone."""
    if _output_of("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive":
        _run("swarm", "init", "--advertise-addr", "127.0.0.1")
        node = _output_of("node", "inspect", "self", "--format", "{{.ID}}")
        _run("node", "update", "--label-add", f"{LABEL}=yes", node)
    return is_swarm_of_tests()


def is_swarm_of_tests() -> bool:
    return _output_of("node", "inspect", "self", "--format", f'{{{{index .Spec.Labels "{LABEL}"}}}}') == "yes"


def leave_swarm_of_tests() -> None:
    """End it, if it exists. The engine then forgets the names of all containers in its other networks."""
    if is_swarm_of_tests():
        _run("swarm", "leave", "--force")
        _run("network", "rm", SWARMS_BRIDGE)


def _run(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], capture_output=True, check=True)


def _output_of(*arguments: str) -> str:
    """Return docker's output; empty without an engine or a swarm."""
    if not shutil.which("docker"):
        return ""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout.strip()
