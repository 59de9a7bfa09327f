"""`python -m deploy.swarm`: deploy the stack to the Docker Swarm that this machine manages, or update it.

With --show it only prints the file that it would give to `docker stack deploy`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.swarm.stack_file import stack_file, write_passwords
from stack.checks import refuse_mistakes
from stack.compose.checks import ImageTools
from stack.compose.docker import Docker
from stack.compose.environment import redis_inside
from stack.compose.images import fetch
from stack.credentials import Origin
from stack.redis_access import access_of
from stack.redis_users import EXPORTER
from stack.runtime import StackError
from stack.services import (
    ALERTMANAGER,
    CORE_COMPOSE_FILE,
    CRON_SCHEDULER,
    MONITOR_COMPOSE_FILE,
    PROMETHEUS,
    RQ_EXPORTER,
)
from stack.settings import PROJECT_ROOT, SECRETS_DIRECTORY, STATE_DIRECTORY, StackSettings, load_settings
from stack.variables import QUEUES, REDIS_URL

SWARM_COMPOSE_FILE = "deploy/swarm/docker-compose-swarm.yml"
DATA_LABEL = "rq-mon-data"
"""Label of the node that keeps the volumes, for the constraint in the compose file."""


def main() -> int:
    """Deploy, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.swarm", description=__doc__)
    parser.add_argument("--show", action="store_true", help="print the stack file, deploy nothing")
    parser.add_argument("--stack", default="rq-mon", help="name of the stack (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        composed = _composed(settings)
        with tempfile.TemporaryDirectory() as passwords:
            file = json.dumps(_stack_file(composed, settings, Path(passwords)), indent=2)
            if arguments.show:
                print(file)
                return 0
            _check_data_node(Docker(settings.environment))
            _check(composed, settings)
            return _deploy(file, arguments.stack, settings)
    except StackError as error:
        print(error, file=sys.stderr)
    return 1


def _composed(settings: StackSettings) -> Mapping[str, Any]:
    """What compose makes of the three files and the settings."""
    if settings.user_set(QUEUES):
        raise StackError(f"{QUEUES.name}: a swarm runs the two queues of the compose files; unset it")
    files = (
        f"--file={PROJECT_ROOT / name}"
        for name in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, SWARM_COMPOSE_FILE)
    )
    docker = Docker({**settings.environment, **redis_inside(settings)})
    docker.check_versions()
    composed: Mapping[str, Any] = json.loads(
        docker.output("compose", f"--project-directory={PROJECT_ROOT}", *files, "config", "--format", "json")
    )
    return composed


def _stack_file(composed: Mapping[str, Any], settings: StackSettings, passwords: Path) -> dict[str, Any]:
    another = None if settings.has_own_redis() else access_of(EXPORTER, settings)
    write_passwords(passwords, Origin(SECRETS_DIRECTORY, redis_inside(settings)[REDIS_URL], another))
    absent = [service.name for service in settings.external_services()]
    return stack_file(composed, Path(PROJECT_ROOT), passwords, absent)


def _check(composed: Mapping[str, Any], settings: StackSettings) -> None:
    """Raise StackError if a service would refuse its configuration: the programs in its image check it.

    If this machine cannot get an image, nothing is checked, and a line says so.
    """
    docker = Docker(settings.environment)
    prometheus, alertmanager, own = (
        str(composed["services"][service.name]["image"])
        for service in (PROMETHEUS, ALERTMANAGER, RQ_EXPORTER)
    )
    for image in (prometheus, alertmanager, own):
        fetch(docker, image)
    tools = ImageTools(prometheus, alertmanager, own, settings.environment)
    absent = settings.external_services()
    checked = [each for each in (PROMETHEUS, ALERTMANAGER, RQ_EXPORTER, CRON_SCHEDULER) if each not in absent]
    refuse_mistakes(checked, settings, tools, STATE_DIRECTORY)


def _deploy(file: str, name: str, settings: StackSettings) -> int:
    command = ["docker", "stack", "deploy", "--prune", "--detach=true", "--compose-file=-", name]
    deployed = subprocess.run(command, input=file, env=settings.environment, text=True, check=False)
    if deployed.returncode == 0:
        print(f"Deployed. Show its state: docker stack ps {name}")
    return deployed.returncode


def _check_data_node(docker: Docker) -> None:
    nodes = docker.output("node", "ls", "--quiet", f"--filter=node.label={DATA_LABEL}=true").split()
    if not nodes:
        raise StackError(
            f"No node of the swarm has the label {DATA_LABEL}=true: the machine whose disk keeps the data of"
            f" Redis and Prometheus.\nChoose one: docker node update --label-add {DATA_LABEL}=true NODE"
        )


if __name__ == "__main__":
    sys.exit(main())
