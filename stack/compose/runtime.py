"""Start, watch and stop the stack with `docker compose`."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import urlopen

from rq_mon.connection.address import files_of, hosts_of
from stack.alertmanager_login import alertmanager_note
from stack.checks import refuse_mistakes
from stack.compose import queues
from stack.compose.checks import ImageTools
from stack.compose.clone import Clone
from stack.compose.containers import (
    Container,
    containers_of,
    is_broken,
    mounted_files_changed,
    published_ports,
    state_of,
)
from stack.compose.docker import Docker
from stack.compose.environment import opened, redis_inside
from stack.compose.images import Image, build_options, fetch_missing, image_of
from stack.ports import check_logins, check_ports_free, notes_of_open_ports
from stack.runtime import ANOTHER_REDIS_NOTE, Health, StackError, State, worst_state
from stack.secrets import GRAFANA_ADMIN_PASSWORD, web_note
from stack.services import (
    ALERTMANAGER,
    CORE_COMPOSE_FILE,
    CRON_SCHEDULER,
    GRAFANA,
    MONITOR_COMPOSE_FILE,
    PINS_COMPOSE_FILE,
    PROMETHEUS,
    REDIS,
    RQ_EXPORTER,
    RQ_MON_WEB,
    VIEWER,
    Service,
)
from stack.settings import PROJECT_ROOT, SECRETS_DIRECTORY, STATE_DIRECTORY, StackSettings
from stack.variables import OWN_IMAGE, REDIS_TLS_FILES, REDIS_URL, RQ_MON_WEB_URL

STARTS_WITHIN = 900.0
"""Seconds to build our image, and to start the containers, which wait for each other."""
STOPS_WITHIN = 120.0
"""Seconds on top of the time that a running job may take to end."""
HEALTH_ANSWERS_WITHIN = 3.0
LOOKS = 3
"""Retries of `docker inspect` while containers come and go."""

AMTOOL_OPTIONS = (
    f"--alertmanager.url=http://127.0.0.1:{ALERTMANAGER.port}",
    "--http.config.file=/run/access/amtool.yml",
)
"""The path inside Alertmanager's container."""
NAMES_OF_THE_CONTAINER_ITSELF = ("localhost", "127.0.0.1", "::1", None)
"""Hosts that containers cannot reach. None is a Unix socket: it does not exist in a container either."""


class ComposeRuntime:
    """The stack as containers. stack.runtime.Runtime documents the methods."""

    name = "compose"

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        links = {RQ_MON_WEB_URL.name: settings.job_pages_url()}
        self._docker = Docker({**settings.environment, **redis_inside(settings), **opened(settings), **links})
        self._stops_within = settings.stop_grace + STOPS_WITHIN

    @property
    def _compose(self) -> tuple[str, ...]:
        """Return the `docker compose` command with all files, the one of the user's queues included."""
        return (*self._compose_beside, *([f"--file={queues.FILE}"] if queues.FILE.exists() else []))

    @cached_property
    def _compose_beside(self) -> tuple[str, ...]:
        """Return that command without the queues' file. It checks first that compose is new enough."""
        self._docker.check_versions()
        pins = [PINS_COMPOSE_FILE] if (PROJECT_ROOT / PINS_COMPOSE_FILE).exists() else []
        names = (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, *pins)
        files = (f"--file={PROJECT_ROOT / name}" for name in names)
        return ("compose", f"--project-directory={PROJECT_ROOT}", *files, f"--profile={VIEWER.name}")

    @cached_property
    def clone(self) -> Clone:
        """The claim of this clone on compose's project name."""
        return Clone(self._docker, self._configuration()["name"])

    def has_data(self) -> bool:
        """Whether the engine holds volumes of this clone."""
        return self.clone.has_volumes()

    def services(self) -> Sequence[Service]:
        """All services except: Grafana or the viewer, and what another Redis already has."""
        return self._services_beside(self._containers())

    def start(self) -> None:
        """Start every container, or bring it up to date."""
        self._check_redis_url()
        absent = self._absent(self._fetch_images())
        services = [service for service in self._settings.services() if service not in absent]
        check_logins(self._settings, services)
        self._check(PROMETHEUS, ALERTMANAGER, RQ_EXPORTER)
        self._update_queues()
        self._remove(service.name for service in (*absent, *self._settings.idle_workers()))
        containers = self._containers()
        self._check_ports(services, containers)
        # Only Redis: `up` fails for a service that waits for one that is not started.
        options = [f"--scale={REDIS.name}=0"] if REDIS in absent else []
        # By name: otherwise `up` pulls images even of services that are scaled to zero.
        names = [service.name for service in services]
        self.clone.claim()
        self._run("build", *build_options(PROJECT_ROOT, self._settings.environment), within=STARTS_WITHIN)
        if CRON_SCHEDULER in services:
            self._check(CRON_SCHEDULER)
        # Services from an earlier release may hold the ports.
        self._run("up", "--detach", "--remove-orphans", *options, *names, within=STARTS_WITHIN)
        self._restart_outdated()
        self._remove_outdated_images()

    def scale(self, worker: Service) -> None:
        """Start or end containers of the worker. The compose file reads their number from the settings."""
        self._update_queues()
        if not self._settings.number(worker):
            self._remove([worker.name])
            return
        options = ("--detach", "--no-deps", "--no-recreate", "--no-build")
        self._run("up", *options, worker.name, within=STARTS_WITHIN + self._stops_within)

    def stop(self) -> None:
        """Remove containers and networks; keep the volumes."""
        self._run("down", "--remove-orphans", within=self._stops_within)

    def stop_service(self, service: Service) -> None:
        """Stop the service's containers; the next `up` starts them."""
        self._run("stop", service.name, within=self._stops_within)

    def restart(self, service: Service) -> None:
        """Recreate the service's containers with the current settings."""
        self._check(service)
        options = ("--detach", "--no-deps", "--no-build", "--force-recreate")
        self._run("up", *options, service.name, within=STARTS_WITHIN + self._stops_within)

    def restart_broken(self, services: Sequence[Service]) -> Sequence[Service]:
        """Restart containers that run but are unhealthy or paused."""
        containers = self._containers()
        restarted = []
        for service in [REDIS] if REDIS in services else services:
            if broken := [each["Id"] for each in containers_of(service, containers) if is_broken(each)]:
                print(f"Restarting {service.name}: it runs, but does not respond", flush=True)
                self._docker.output("restart", *broken, within=self._stops_within)
                restarted.append(service)
        return restarted

    def states(self) -> Mapping[Service, State]:
        """Return the state of each service. For a scaled one it is that of its worst container."""
        containers = self._containers()
        return {service: self._state(service, containers) for service in self._services_beside(containers)}

    def last_log_lines(self, service: Service, count: int) -> str:
        """The last lines of each container of the service."""
        return self._docker.output(
            *self._compose, "logs", "--no-color", "--no-log-prefix", f"--tail={count}", service.name
        )

    def follow_logs(self, service: Service | None) -> None:
        """Print the log of one service, or of all with a name before each line."""
        self._docker.show(
            *self._compose, "logs", "--follow", "--tail=100", *([service.name] if service else ())
        )

    def notes(self) -> Sequence[str]:
        """Notes on Grafana's substitute or password, and on the watched Redis."""
        containers = self._containers()
        notes = []
        if containers_of(GRAFANA, containers):
            notes.append(f"Grafana's admin password is in {SECRETS_DIRECTORY / GRAFANA_ADMIN_PASSWORD}")
        if containers_of(VIEWER, containers):
            variable = self._images()[GRAFANA.name].variable
            notes.append(
                "Grafana's image is missing: the viewer shows its dashboards at its address."
                f" To use an image from another registry: {variable}=…"
            )
        if containers_of(RQ_MON_WEB, containers):
            notes.append(web_note(SECRETS_DIRECTORY))
        if containers_of(ALERTMANAGER, containers):
            notes.append(alertmanager_note(SECRETS_DIRECTORY))
        notes += self._settings.notes_of_replaced()
        if not self._settings.has_own_redis():
            notes.append(ANOTHER_REDIS_NOTE)
        return [*notes, *notes_of_open_ports(self._settings, self._services_beside(containers))]

    @contextlib.contextmanager
    def paused(self, service: Service) -> Iterator[None]:
        """Stop the service's container for the block."""
        containers = containers_of(service, self._containers())
        is_running = any(container["State"]["Running"] for container in containers)
        if is_running:
            self._docker.output(*self._compose, "stop", service.name, within=self._stops_within)
        try:
            yield
        finally:
            if is_running:
                self._docker.output(*self._compose, "start", service.name, within=STARTS_WITHIN)

    def run_in_data_dir(
        self,
        service: Service,
        script: str,
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run the script in a temporary container with the service's data."""
        volumes = self._configuration()["services"][service.name]["volumes"]
        (folder,) = (
            each["target"] for each in volumes if each["type"] == "volume" and not _is_read_only(each)
        )
        options = ("--rm", "--no-deps", "--no-TTY", f"--workdir={folder}", "--entrypoint=sh")
        run = (*self._compose, "run", *options, service.name, "-c", script)
        self._docker.pipe(*run, stdin=stdin, stdout=stdout)

    def amtool(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Call amtool in Alertmanager's container, where a file logs it in."""
        terminal = [] if sys.stdin.isatty() else ["--no-TTY"]
        call = (*self._compose, "exec", *terminal, ALERTMANAGER.name, "amtool", *AMTOOL_OPTIONS)
        return ("docker", *call), self._docker.environment

    def data(self) -> Sequence[str]:
        """The existing volumes and passwords, and the images built here."""
        volumes = {volume["name"] for volume in self._configuration()["volumes"].values()}
        existing = self._docker.output("volume", "ls", "--quiet").split()
        images = [f"image {identifier}" for identifier in self._built_images()]
        passwords = [str(SECRETS_DIRECTORY)] if SECRETS_DIRECTORY.exists() else []
        return [*(f"volume {name}" for name in existing if name in volumes), *images, *passwords]

    def clean(self) -> None:
        self._run("down", "--volumes", "--remove-orphans", within=self._stops_within)
        queues.write_file({})
        for identifier in self._built_images():
            self._docker.output("image", "rm", "--force", identifier)
        self.clone.release()
        shutil.rmtree(SECRETS_DIRECTORY, ignore_errors=True)

    def leftovers(self) -> Sequence[str]:
        """Registry images, which other projects may use, and the build cache."""
        references = {image.reference(self._settings.environment) for image in self._images().values()}
        here = [reference for reference in sorted(references) if self._docker.has_image(reference)]
        images = [f"images from a registry: docker image rm {' '.join(here)}"] if here else []
        return [*images, "Docker's cache of image builds: docker builder prune"]

    def _built_images(self) -> list[str]:
        return sorted(set(self._docker.output("image", "ls", "--quiet", self._ours()).split()))

    def _ours(self) -> str:
        """The docker option that selects the images that compose built for this stack."""
        return f"--filter=label=com.docker.compose.project={self._configuration()['name']}"

    def _services_beside(self, containers: Sequence[Container]) -> list[Service]:
        absent = self._absent(GRAFANA if containers_of(VIEWER, containers) else VIEWER)
        return [service for service in self._settings.services() if service not in absent]

    def _absent(self, instead: Service) -> list[Service]:
        return [instead, *self._settings.external_services()]

    def _check_redis_url(self) -> None:
        if self._settings.has_own_redis():
            return
        url = self._settings.redis_url()
        if files_of(url):
            raise StackError(
                f"{REDIS_URL}: expected an address without {', '.join(files_of(url))}: containers do not see"
                f" the files of this machine. {', '.join(REDIS_TLS_FILES)} pass the files to containers"
            )
        for host in hosts_of(url):
            if host in NAMES_OF_THE_CONTAINER_ITSELF:
                raise StackError(
                    f"{REDIS_URL}: expected an address that containers can reach, got the host {host}, which"
                    " is the container itself there. Unset it to use the stack's own Redis, or set"
                    " RUNTIME=native"
                )

    def _check(self, *services: Service) -> None:
        """Raise StackError if a service would reject or ignore its configuration."""
        images, environment = self._images(), self._settings.environment
        prometheus, alertmanager = (
            images[each.name].reference(environment) for each in (PROMETHEUS, ALERTMANAGER)
        )
        own = environment.get(OWN_IMAGE.name) or OWN_IMAGE.default
        tools = ImageTools(prometheus, alertmanager, own, environment)
        STATE_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
        refuse_mistakes(services, self._settings, tools, STATE_DIRECTORY)

    def _run(self, *arguments: str, within: float) -> None:
        if self._docker.show(*self._compose, *arguments, within=within):
            raise StackError(f"`docker compose {arguments[0]}` failed; see its messages above.")

    def _fetch_images(self) -> Service:
        """Pull the missing images. Return the service to leave out: Grafana or the viewer.

        Raises:
            StackError: an image other than Grafana's is not available.
        """
        images = self._images()
        missing = fetch_missing(self._docker, images.values(), self._settings.environment)
        needed = [image for image in missing if image != images[GRAFANA.name]]
        if needed:
            variables = ", ".join(image.variable for image in needed)
            raise StackError(
                "Images that the stack needs are not available. To use others, from a mirror for example, set"
                f" {variables} in the environment or in .env; to run without containers: RUNTIME=native"
            )
        if missing:
            print("The viewer replaces Grafana.", flush=True)
        return GRAFANA if missing else VIEWER

    def _update_queues(self) -> None:
        """Write the file of the user's queues. End the workers of queues that were removed from it."""
        wanted = queues.queue_services(self._settings)
        if gone := sorted(queues.names_in_file() - wanted.keys()):
            self._remove(gone)
        queues.write_file(wanted)

    def _remove(self, names: Iterable[str]) -> None:
        self._docker.output(*self._compose, "rm", "--stop", "--force", *names, within=self._stops_within)

    def _check_ports(self, services: Sequence[Service], containers: Sequence[Container]) -> None:
        ours = published_ports(containers)
        others = [s for s in services if s.port_variable and self._settings.port(s) not in ours]
        check_ports_free(self._settings, others, is_ours=lambda _: False)

    def _restart_outdated(self) -> None:
        outdated = [container["Id"] for container in self._containers() if mounted_files_changed(container)]
        if outdated:
            self._docker.output("restart", *outdated, within=self._stops_within)

    def _remove_outdated_images(self) -> None:
        """Remove images of earlier builds, which lost their tag to the newest one."""
        self._docker.output("image", "prune", "--force", self._ours())

    def _state(self, service: Service, containers: Sequence[Container]) -> State:
        state = worst_state(state_of(container) for container in containers_of(service, containers))
        if state.health is Health.HEALTHY and service.health_path and not self._answers(service):
            return State(Health.STARTING, f"does not answer on port {self._settings.port(service)}")
        return state

    def _answers(self, service: Service) -> bool:
        url = f"http://{self._settings.address(service)}{service.health_path}"
        try:
            with urlopen(url, timeout=HEALTH_ANSWERS_WITHIN):
                return True
        except HTTPError as refusal:
            # The health check has logged in inside the container; this check is only about the port.
            return service is ALERTMANAGER and refusal.code == HTTPStatus.UNAUTHORIZED
        except (OSError, HTTPException):
            return False

    def _containers(self) -> list[Container]:
        for attempt in range(1, LOOKS + 1):
            identifiers = self._docker.output(*self._compose, "ps", "--all", "--quiet").split()
            if not identifiers:
                break
            try:
                containers: list[Container] = json.loads(self._docker.output("inspect", *identifiers))
            except StackError:  # a container was removed between the two calls
                if attempt == LOOKS:
                    raise
            else:
                return containers
        return []

    def _configuration(self, *options: str) -> Mapping[str, Any]:
        configuration: Mapping[str, Any] = json.loads(
            self._docker.output(*self._compose, "config", "--format", "json", *options)
        )
        return configuration

    def _images(self) -> Mapping[str, Image]:
        """Return the registry images by the services that need them."""
        definitions = self._configuration("--no-interpolate")["services"]
        images = {name: image_of(definition) for name, definition in definitions.items()}
        return {name: image for name, image in images.items() if image}


def _is_read_only(volume: Mapping[str, Any]) -> bool:
    return bool(volume.get("read_only"))
