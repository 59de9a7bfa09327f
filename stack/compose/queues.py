"""The compose file with the workers of the user's queues; docker-compose.yml has the two default queues."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stack.services import QUEUES_COMPOSE_FILE, REDIS, Service
from stack.settings import PROJECT_ROOT, StackSettings

FILE = PROJECT_ROOT / QUEUES_COMPOSE_FILE
HEADER = "# Written by make from RQ_MON_QUEUES.\n"


def queue_services(settings: StackSettings) -> Mapping[str, Any]:
    """Return the definitions of the workers that are not in docker-compose.yml, by service name."""
    if not settings.has_own_redis():
        return {}
    return {
        worker.name: _definition(worker, number)
        for worker, number in settings.numbers.items()
        if worker.compose_file == QUEUES_COMPOSE_FILE
    }


def names_in_file(file: Path = FILE) -> set[str]:
    """Return the names of the services in the file; none if the file is missing."""
    return set(yaml.safe_load(file.read_text(encoding="utf-8"))["services"]) if file.exists() else set()


def write_file(services: Mapping[str, Any], file: Path = FILE) -> None:
    """Write the file. Remove it if there are no such services."""
    if not services:
        file.unlink(missing_ok=True)
        return
    draft = file.with_suffix(".draft")
    draft.write_text(HEADER + yaml.safe_dump({"services": dict(services)}, sort_keys=False), encoding="utf-8")
    draft.replace(file)


def _definition(worker: Service, number: int) -> dict[str, Any]:
    return {
        "extends": {"file": str(PROJECT_ROOT / "stack/compose/common.yml"), "service": "worker"},
        "command": ["python", "-m", "scheduler.worker_process", worker.queue],
        "deploy": {"replicas": number},
        "healthcheck": {
            "test": ["CMD", "python", "-m", "rq_mon.health", "--wait", "3", "worker", "--", worker.queue]
        },
        "volumes": ["worker-access:/run/access:ro"],
        "depends_on": {
            "credentials": {"condition": "service_completed_successfully"},
            REDIS.name: {"condition": "service_healthy"},
        },
        "networks": ["core"],
    }
