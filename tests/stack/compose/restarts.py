"""The containers that were started since an earlier check."""

from __future__ import annotations

from proofs.harness.compose_stack import ComposeStack


def started_containers(stack: ComposeStack) -> dict[str, str]:
    """The start time of each container, by id."""
    return {container["Id"]: container["State"]["StartedAt"] for container in stack.long_running()}


def restarted_since(stack: ComposeStack, before: dict[str, str]) -> set[str]:
    """The services with a container that was restarted or recreated."""
    return {
        container["Config"]["Labels"]["com.docker.compose.service"]
        for container in stack.long_running()
        if before.get(container["Id"]) != container["State"]["StartedAt"]
    }
