"""A copy of the stack in containers, with its own project name."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path
from urllib.request import urlopen

from proofs.harness.stack_copy import StackCopy
from stack.compose import ComposeRuntime
from stack.compose.containers import Container, containers_of
from stack.services import CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, SERVICES, VIEWER, Service


class ComposeStack(StackCopy):
    """A copy of the stack, with its containers and volumes."""

    def __init__(self, project: Path, directory: Path, **variables: str) -> None:
        self.project = f"rq-mon-test-{uuid.uuid4().hex[:8]}"
        self.image = f"{self.project}:local"
        own = {"COMPOSE_PROJECT_NAME": self.project, "RQ_MON_IMAGE": self.image}
        super().__init__(project, directory, "compose", **own, **variables)
        self.runtime = ComposeRuntime(self.settings)

    def remove(self) -> None:
        """Remove containers, volumes and images."""
        self.make("clean", YES="1")
        subprocess.run(["docker", "image", "rm", "--force", self.image], capture_output=True, check=False)

    def compose(self, *arguments: str) -> None:
        """Run `docker compose` as the README says."""
        self.docker("compose", "-f", CORE_COMPOSE_FILE, "-f", MONITOR_COMPOSE_FILE, *arguments)

    def inside(self, container: Container, *command: str) -> str:
        """Run a command in a container and return its output."""
        return self.docker("exec", container["Id"], *command)

    def kill_all_processes(self, container: Container) -> None:
        """Kill a container's processes as a crash would. `docker kill` would count as a stop by hand."""
        subprocess.run(["docker", "exec", container["Id"], "sh", "-c", "kill -KILL -1"], check=False)

    def containers(self, service: Service | None = None) -> list[Container]:
        """What the engine knows about the containers, or about those of one service."""
        identifiers = self.docker("ps", "--all", "--quiet", "--filter", self._label).split()
        found: list[Container] = json.loads(self.docker("inspect", *identifiers)) if identifiers else []
        return containers_of(service, found) if service else found

    def long_running(self) -> list[Container]:
        """All containers except the one that hands out passwords and ends."""
        return [container for service in SERVICES for container in self.containers(service)]

    def volumes(self) -> list[str]:
        return self.docker("volume", "ls", "--quiet", "--filter", self._label).split()

    def networks(self) -> list[str]:
        return self.docker("network", "ls", "--quiet", "--filter", self._label).split()

    def built_images(self) -> list[str]:
        """The built images: those with a name, and those that lost it to a later build."""
        return self.docker("image", "ls", "--all", "--quiet", "--filter", self._label).split()

    def has_viewer(self) -> bool:
        """Return whether the viewer runs because Grafana is missing."""
        return bool(self.containers(VIEWER))

    def page(self, service: Service, path: str) -> str:
        """Return the page that a service serves on this machine."""
        with urlopen(self.url(service) + path, timeout=60) as answer:
            return str(answer.read().decode())

    @property
    def _label(self) -> str:
        return f"label=com.docker.compose.project={self.project}"

    def docker(self, *arguments: str) -> str:
        """Run `docker` in the copy and return its output."""
        ended = self.run("docker", *arguments)
        ended.check_returncode()
        return ended.stdout
