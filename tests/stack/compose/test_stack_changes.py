"""What the next start restarts after a change to the stack in containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.harness.compose_stack import ComposeStack
from stack.dotenv import set_variable
from stack.queues import worker_of, written
from stack.services import (
    ALERTMANAGER,
    CRON_SCHEDULER,
    LONG_RUNNING_WORKER,
    PROMETHEUS,
    RQ_EXPORTER,
    RQ_MON_WEB,
    SHORT_RUNNING_WORKER,
    VIEWER,
    Service,
)
from stack.settings import load_settings
from stack.variables import NUMBERS, QUEUES
from tests.stack.compose.restarts import restarted_since, started_containers

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=20)]


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("objectives.yml", RQ_EXPORTER),
        ("prometheus/rules/workers.yml", PROMETHEUS),
        ("prometheus/prometheus.yml", PROMETHEUS),
        ("prometheus/alertmanager.yml", ALERTMANAGER),
    ],
)
def test_a_changed_file_restarts_only_the_services_that_read_it(
    stack: ComposeStack, file: str, concerned: Service
) -> None:
    before, path = started_containers(stack), stack.directory / file
    replacement = path.with_suffix(".new")
    replacement.write_text(path.read_text() + "\n# a change\n")
    replacement.rename(path)  # as editors and git do

    again = stack.make("start-rq-mon")

    assert again.returncode == 0, again.stdout
    assert restarted_since(stack, before) == {concerned.name}
    (container,) = stack.containers(concerned)
    inside = next(
        mount["Destination"] for mount in container["Mounts"] if path.is_relative_to(mount["Source"])
    )
    assert "# a change" in stack.inside(
        container, "cat", inside if Path(inside).suffix else f"{inside}/{path.name}"
    )


@pytest.mark.parametrize(
    ("variable", "value", "concerned"),
    [
        ("RQ_WORKER_TTL_SECONDS", "30", {SHORT_RUNNING_WORKER.name, LONG_RUNNING_WORKER.name}),
        ("PROMETHEUS_RETENTION_TIME", "20d", {PROMETHEUS.name}),
    ],
)
def test_a_changed_setting_restarts_only_the_services_that_read_it(
    stack: ComposeStack, variable: str, value: str, concerned: set[str]
) -> None:
    before = started_containers(stack)
    set_variable(stack.directory / ".env", variable, value)

    again = stack.make("start-rq-mon")

    assert again.returncode == 0, again.stdout
    assert restarted_since(stack, before) == concerned


def test_the_next_start_switches_to_another_image_and_back(stack: ComposeStack) -> None:
    before = started_containers(stack)
    (old,) = (container["Config"]["Image"] for container in stack.containers(ALERTMANAGER))
    new = f"{stack.project}-alertmanager:next"
    stack.docker("tag", old, new)
    try:
        set_variable(stack.directory / ".env", "ALERTMANAGER_IMAGE", new)
        assert stack.make("start-rq-mon").returncode == 0
        assert restarted_since(stack, before) == {ALERTMANAGER.name}
        (upgraded,) = stack.containers(ALERTMANAGER)
        assert upgraded["Config"]["Image"] == new

        before = started_containers(stack)
        set_variable(stack.directory / ".env", "ALERTMANAGER_IMAGE", old)
        assert stack.make("start-rq-mon").returncode == 0
        assert restarted_since(stack, before) == {ALERTMANAGER.name}
        assert [container["Config"]["Image"] for container in stack.containers(ALERTMANAGER)] == [old]
    finally:
        stack.docker("image", "rm", new)


def test_the_next_start_builds_and_runs_changed_code(stack: ComposeStack) -> None:
    before = started_containers(stack)
    changed = stack.directory / "scheduler" / "queues.py"
    changed.write_text(changed.read_text() + "\n# a change\n")

    again = stack.make("start-rq-mon")

    assert again.returncode == 0, again.stdout
    ours = {SHORT_RUNNING_WORKER, LONG_RUNNING_WORKER, CRON_SCHEDULER, RQ_EXPORTER, RQ_MON_WEB}
    assert restarted_since(stack, before) - {VIEWER.name} == {service.name for service in ours}
    (worker,) = stack.containers(SHORT_RUNNING_WORKER)
    assert "# a change" in stack.inside(worker, "cat", "scheduler/queues.py")


def test_a_queue_has_containers_until_it_is_removed_from_the_list(stack: ComposeStack) -> None:
    """One whose name no container could have."""
    before, dotenv, worker = started_containers(stack), stack.directory / ".env", worker_of("emails:high")
    kept = dotenv.read_text() if dotenv.exists() else ""
    numbers = load_settings({}, dotenv).numbers
    queues = {str(each.queue): number for each, number in numbers.items()} | {"emails:high": 2}
    replaced = tuple(each.name for each in NUMBERS.values())
    others = [line for line in kept.splitlines() if not line.startswith(replaced)]
    try:
        dotenv.write_text("\n".join([*others, f"{QUEUES.name}={written(queues)}", ""]))
        started = stack.make("start-rq-mon")
        assert started.returncode == 0, started.stdout
        assert len(stack.containers(worker)) == 2
        assert restarted_since(stack, before) == set()

        scaled = stack.make("scale", QUEUE="emails:high", WORKERS="1")
        assert scaled.returncode == 0, scaled.stdout
        assert len(stack.containers(worker)) == 1
    finally:
        dotenv.write_text(kept)
        left = stack.make("start-rq-mon")

    assert left.returncode == 0, left.stdout
    assert stack.containers(worker) == []
    assert restarted_since(stack, before) == set()
