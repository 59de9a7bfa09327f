"""A second clone with the project name of the first is refused, and touches nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.harness.compose_stack import ComposeStack
from stack.settings import BACKUPS

pytestmark = [pytest.mark.compose, pytest.mark.slow]


def test_what_belongs_to_another_clone_is_refused_by_its_folder(
    stack: ComposeStack, project_root: Path, tmp_path: Path
) -> None:
    started = stack.make("start-rq-mon")  # another test may have removed it
    assert started.returncode == 0, started.stdout
    second = ComposeStack(project_root, tmp_path)
    second.environment |= {"COMPOSE_PROJECT_NAME": stack.project, "RQ_MON_IMAGE": stack.image}
    before = {container["Id"]: container["State"]["StartedAt"] for container in stack.containers()}

    for target in ("start-rq-mon", "status", "stop-rq-mon", "backup", "restore", "clean"):
        refused = second.make(target, YES="1", FILE=str(tmp_path / BACKUPS.name / "one.zip"))
        assert refused.returncode != 0, refused.stdout
        assert f"belongs to the clone in {stack.directory}" in refused.stdout

    assert {container["Id"]: container["State"]["StartedAt"] for container in stack.containers()} == before
    del second.environment["RUNTIME"]
    stopped = second.make("stop-rq-mon")
    assert stopped.returncode == 0, stopped.stdout
    assert {container["Id"]: container["State"]["StartedAt"] for container in stack.containers()} == before
