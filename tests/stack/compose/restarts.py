"""Which containers were started since an earlier look."""

from __future__ import annotations

from proofs.harness.compose_stack import ComposeStack


def started_containers(stack: ComposeStack) -> dict[str, str]:
    """When each container was started, by its id."""
    return {container["Id"]: container["State"]["StartedAt"] for container in stack.long_running()}


def restarted_since(stack: ComposeStack, before: dict[str, str]) -> set[str]:
    """The services of which a container was started, or created again."""
    return {
        container["Config"]["Labels"]["com.docker.compose.service"]
        for container in stack.long_running()
        if before.get(container["Id"]) != container["State"]["StartedAt"]
    }
