"""A copy of the stack in a Docker Swarm, with its own name, and a client in its network."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from proofs.harness.stack_copy import StackCopy
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import Metric
from stack.services import GRAFANA, PROMETHEUS, REDIS, SERVICES, Service

CLIENT = "client"
STARTS_WITHIN = 240.0


class SwarmStack(StackCopy):
    """The stack, deployed by the users' command. Its services are queried from inside its networks."""

    def __init__(self, project: Path, directory: Path) -> None:
        self.name = f"rq-mon-test-{uuid.uuid4().hex[:8]}"
        super().__init__(project, directory, "compose")

    def image(self, version: int) -> str:
        return f"{self.name}:{version}"

    def build(self) -> None:
        """Build two versions of our image that do the same but differ for a swarm."""
        self.environment["RQ_MON_IMAGE"] = self.image(1)
        self.docker("compose", "build")
        self.docker("build", "--tag", self.image(2), "-", text=f"FROM {self.image(1)}\nLABEL version=2\n")

    def deploy(self, version: int) -> None:
        """Deploy a version of our image, or update to it."""
        self.environment["RQ_MON_IMAGE"] = self.image(version)
        deployed = self.make("swarm-deploy", STACK=self.name)
        assert deployed.returncode == 0, deployed.stdout

    def start_client(self) -> None:
        """Start a container that is not replaced when the services are updated."""
        self.docker(
            *("service", "create", "--detach", "--quiet", "--name", f"{self.name}_{CLIENT}"),
            *("--endpoint-mode", "dnsrr", "--network", f"{self.name}_core", "--user", "10001"),
            *("--env", f"RQ_REDIS_URL={self._redis_inside()}"),
            *("--no-healthcheck", self.image(1), "sleep", "1d"),
        )
        wait_until(lambda: self.container(CLIENT), "the client", within=STARTS_WITHIN, every=1)

    def _redis_inside(self) -> str:
        address = urlsplit(self.redis_url())
        user, _, _ = address.netloc.rpartition("@")
        return address._replace(netloc=f"{user}@{REDIS.name}:{REDIS.port}").geturl()

    def remove(self) -> None:
        """Remove everything that the engine did not have before, as the documentation shows."""
        run = subprocess.run
        workers = [f"{self.name}_{service.name}" for service in SERVICES if service.queue]
        # The swarm may not have them: a test or the deployment has failed.
        scaled = [f"{worker}=0" for worker in workers]
        run(["docker", "service", "scale", "--detach", *scaled], capture_output=True, check=False)
        for worker in workers:
            self._wait_until_gone(f"{worker}.")
        run(["docker", "service", "rm", f"{self.name}_{CLIENT}"], capture_output=True, check=False)
        run(["docker", "stack", "rm", self.name], capture_output=True, check=False)
        label = f"label=com.docker.stack.namespace={self.name}"
        self._wait_until_gone(f"{self.name}_", "--all")
        volumes = self.docker("volume", "ls", "--quiet", "--filter", label).split()
        run(["docker", "volume", "rm", *volumes], capture_output=True, check=False)
        run(["docker", "image", "rm", self.image(1), self.image(2)], capture_output=True, check=False)

    def _wait_until_gone(self, name: str, *options: str) -> None:
        wait_until(
            lambda: not self.docker("ps", "--quiet", *options, "--filter", f"name={name}"),
            f"the containers {name} to be gone",
            within=STARTS_WITHIN,
            every=1,
        )

    def replicas(self) -> dict[str, str]:
        """Running and desired tasks by service: `2/2`.

        A task counts as running once its health check passes.
        """
        lines = self.docker(
            *("service", "ls", "--filter", f"label=com.docker.stack.namespace={self.name}"),
            *("--format", "{{.Name}} {{.Replicas}}"),
        ).splitlines()
        return {name.removeprefix(f"{self.name}_"): replicas for name, replicas in map(str.split, lines)}

    def has_image(self, service: Service) -> bool:
        """Return whether the engine has the image that a service needs."""
        image = self.inspect(service)["TaskTemplate"]["ContainerSpec"]["Image"]
        return bool(self.docker("image", "ls", "--quiet", image))

    def scale(self, **replicas: int) -> None:
        """Scale services as the documentation shows."""
        wanted = (f"{self.name}_{name.replace('_', '-')}={number}" for name, number in replicas.items())
        self.docker("service", "scale", "--detach", *wanted)

    def inspect(self, service: Service) -> Any:
        """The swarm's specification of a service."""
        return json.loads(self.docker("service", "inspect", f"{self.name}_{service.name}"))[0]["Spec"]

    def wanted(self) -> set[str]:
        """The swarm's specification of each service."""
        listing = self.docker("service", "ls", "--quiet", "--filter", f"name={self.name}_").split()
        return set(self.docker("service", "inspect", *listing, "--format", "{{json .Spec}}").splitlines())

    def update_state(self, service: Service) -> str:
        """The state of a service's last update: `updating`, `completed`, `rollback_started` and so on."""
        return self.docker(
            *("service", "inspect", f"{self.name}_{service.name}"),
            *("--format", "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}"),
        ).strip()

    def containers(self, service: Service) -> list[Any]:
        """The running containers of a service, from the engine."""
        identifiers = self._running(service.name)
        return json.loads(self.docker("inspect", *identifiers)) if identifiers else []

    def container(self, name: str) -> str:
        """The id of a running container of a service; empty if there is none."""
        return next(iter(self._running(name)), "")

    def _running(self, name: str) -> list[str]:
        label = f"label=com.docker.swarm.service.name={self.name}_{name}"
        return self.docker("ps", "--quiet", "--filter", label).split()

    def python(self, script: str, *arguments: object) -> str:
        """Run a script in the client's container; return its output."""
        words = map(str, arguments)
        return self.docker("exec", "-i", self.container(CLIENT), "python", "-", *words, text=script)

    def metric(self, metric: Metric, **labels: str) -> list[float]:
        """The current values of a metric's series in Prometheus."""
        selector = metric.name + json.dumps(labels).replace('": ', "=").replace(', "', ", ").replace(
            '{"', "{"
        )
        url = f"http://127.0.0.1:{PROMETHEUS.port}/api/v1/query?query={selector.replace(' ', '')}"
        answer = self.docker("exec", self.container(PROMETHEUS.name), "wget", "-qO-", url)
        return [float(series["value"][1]) for series in json.loads(answer)["data"]["result"]]

    def without_what_cannot_be_had(self) -> list[str]:
        """Scale Grafana to zero if its image is missing; return what is left out."""
        if self.has_image(GRAFANA):
            return []
        self.docker("service", "scale", "--detach", f"{self.name}_{GRAFANA.name}=0")
        return [GRAFANA.name]

    def docker(self, *arguments: str, text: str = "") -> str:
        """Run `docker` in the copy; return its output."""
        ended = self.run("docker", *arguments, reads=text)
        ended.check_returncode()
        return ended.stdout
