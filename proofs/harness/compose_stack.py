"""A copy of the stack in containers, under a name of its own."""

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
    """The stack of a copy of the tree, with its containers and volumes."""

    def __init__(self, project: Path, directory: Path, **variables: str) -> None:
        self.project = f"rq-mon-test-{uuid.uuid4().hex[:8]}"
        self.image = f"{self.project}:local"
        own = {"COMPOSE_PROJECT_NAME": self.project, "RQ_MON_IMAGE": self.image}
        super().__init__(project, directory, "compose", **own, **variables)
        self.runtime = ComposeRuntime(self.settings)

    def remove(self) -> None:
        """Leave nothing behind."""
        self.make("clean", YES="1")
        subprocess.run(["docker", "image", "rm", "--force", self.image], capture_output=True, check=False)

    def compose(self, *arguments: str) -> None:
        """Run `docker compose` as the README says."""
        self.docker("compose", "-f", CORE_COMPOSE_FILE, "-f", MONITOR_COMPOSE_FILE, *arguments)

    def inside(self, container: Container, *command: str) -> str:
        """Run a command in a container and return what it printed."""
        return self.docker("exec", container["Id"], *command)

    def kill_all_processes(self, container: Container) -> None:
        """End what runs in a container as a crash would; `docker kill` counts as stopped by hand."""
        subprocess.run(["docker", "exec", container["Id"], "sh", "-c", "kill -KILL -1"], check=False)

    def containers(self, service: Service | None = None) -> list[Container]:
        """What the engine knows of the containers, or of those of one service."""
        identifiers = self.docker("ps", "--all", "--quiet", "--filter", self._label).split()
        found: list[Container] = json.loads(self.docker("inspect", *identifiers)) if identifiers else []
        return containers_of(service, found) if service else found

    def long_running(self) -> list[Container]:
        """All containers but the one that ends when it has handed passwords out."""
        return [container for service in SERVICES for container in self.containers(service)]

    def volumes(self) -> list[str]:
        return self.docker("volume", "ls", "--quiet", "--filter", self._label).split()

    def networks(self) -> list[str]:
        return self.docker("network", "ls", "--quiet", "--filter", self._label).split()

    def built_images(self) -> list[str]:
        """Those that have a name, and those that a later build took it from."""
        return self.docker("image", "ls", "--all", "--quiet", "--filter", self._label).split()

    def has_viewer(self) -> bool:
        """Tell whether Grafana is missing, and the viewer runs instead."""
        return bool(self.containers(VIEWER))

    def page(self, service: Service, path: str) -> str:
        """What a service answers to this machine."""
        with urlopen(self.url(service) + path, timeout=60) as answer:
            return str(answer.read().decode())

    @property
    def _label(self) -> str:
        return f"label=com.docker.compose.project={self.project}"

    def docker(self, *arguments: str) -> str:
        """Run `docker` in the copy and return what it printed."""
        ended = self.run("docker", *arguments)
        ended.check_returncode()
        return ended.stdout
