"""The core, started by docker compose alone, without our commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.harness.compose_stack import ComposeStack
from stack.services import CORE_COMPOSE_FILE, SERVICES

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=40)]


def test_docker_compose_up_brings_the_core_up_healthy(
    engine: None, project_root: Path, tmp_path: Path
) -> None:
    stack = ComposeStack(project_root, tmp_path)
    try:
        stack.docker("compose", "up", "--build", "--detach", "--wait")

        health = {
            container["Config"]["Labels"]["com.docker.compose.service"]: container["State"]["Health"][
                "Status"
            ]
            for container in stack.long_running()
        }
        core = [service.name for service in SERVICES if service.compose_file == CORE_COMPOSE_FILE]
        assert health == dict.fromkeys(core, "healthy")
    finally:
        stack.remove()
