"""The stack of this checkout in containers, under a name and on ports of its own."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from stack.compose import ComposeRuntime
from stack.compose.containers import Container, containers_of
from stack.services import CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, PREVIEW, PROMETHEUS, Service
from stack.settings import PORTS, PROJECT_ROOT, REDIS_URL, load_settings
from tests.harness.ports import free_port

STARTS_WITHIN = 300.0


class Stack:
    """Starts and stops the stack as a user does; looks at it from this machine and through the engine."""

    def __init__(self, **variables: str) -> None:
        self.project = f"rq-mon-test-{uuid.uuid4().hex[:8]}"
        ports = {port.name: str(free_port()) for port in PORTS}
        own = {"COMPOSE_PROJECT_NAME": self.project, "RUNTIME": "compose", REDIS_URL: "", "YES": "1"}
        self.environment = {**os.environ, **ports, **own, **variables}
        self.settings = load_settings(self.environment)
        self.runtime = ComposeRuntime(self.settings)

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        """Run a target of the Makefile; the output holds what it said, errors included."""
        return subprocess.run(
            ["make", "--no-print-directory", target],
            cwd=PROJECT_ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STARTS_WITHIN,
            check=False,
        )

    def compose(self, *arguments: str) -> str:
        """Run `docker compose` as the README says and return what it printed."""
        files = ("-f", CORE_COMPOSE_FILE, "-f", MONITOR_COMPOSE_FILE)
        return self._docker("compose", *files, *arguments)

    def inside(self, container: Container, *command: str) -> str:
        """Run a command in a container and return what it printed."""
        return self._docker("exec", container["Id"], *command)

    def kill_all_processes(self, container: Container) -> None:
        """End what runs in a container as a crash would, so that the engine is what notices."""
        subprocess.run(["docker", "exec", container["Id"], "sh", "-c", "kill -KILL -1"], check=False)

    def containers(self, service: Service | None = None) -> list[Container]:
        """What the engine knows of the containers, or of those of one service."""
        identifiers = self._docker("ps", "--all", "--quiet", "--filter", self._label).split()
        found: list[Container] = json.loads(self._docker("inspect", *identifiers)) if identifiers else []
        return containers_of(service, found) if service else found

    def volumes(self) -> list[str]:
        return self._docker("volume", "ls", "--quiet", "--filter", self._label).split()

    def has_preview(self) -> bool:
        """Tell whether Grafana could not be had, and the preview runs in its place."""
        return bool(self.containers(PREVIEW))

    def scrape_targets(self) -> Mapping[str, str]:
        """The health that Prometheus sees, by job."""
        targets = self._ask_prometheus("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in targets}

    def query(self, promql: str) -> float | None:
        """The value of an expression that has one sample, None while it has none."""
        result = self._ask_prometheus("query", query=promql)["result"]
        return float(result[0]["value"][1]) if result else None

    def page(self, service: Service, path: str) -> str:
        """What a service answers to this machine."""
        with urlopen(f"http://127.0.0.1:{self.settings.port(service)}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def _ask_prometheus(self, what: str, **parameters: str) -> Any:
        return json.loads(self.page(PROMETHEUS, f"/api/v1/{what}?{urlencode(parameters)}"))["data"]

    @property
    def _label(self) -> str:
        return f"label=com.docker.compose.project={self.project}"

    def _docker(self, *arguments: str) -> str:
        return subprocess.run(
            ["docker", *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN,
            check=True,
        ).stdout
