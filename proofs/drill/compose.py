"""The services of a stack as containers."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from proofs.harness.compose_stack import ComposeStack
from stack.compose.containers import Container
from stack.services import Service


class ComposeServices:
    """proofs.drill.services.Services documents the methods."""

    def __init__(self, stack: ComposeStack) -> None:
        self._stack = stack

    @contextlib.contextmanager
    def stopped(self, service: Service) -> Iterator[None]:
        """Stop the container. The engine does not restart one that was stopped by hand."""
        try:
            self._stack.compose("stop", service.name)
            yield
        finally:
            self._stack.compose("start", service.name)

    @contextlib.contextmanager
    def frozen(self, service: Service) -> Iterator[None]:
        """Pause the container. It gets no CPU time and handles no signals."""
        self._stack.compose("pause", service.name)
        try:
            yield
        finally:
            self._stack.compose("unpause", service.name)

    def kill(self, service: Service) -> None:
        """Kill it from inside, so that the engine restarts it. After `docker kill` it would not."""
        self._stack.kill_all_processes(self._container(service))

    def send(self, service: Service, number: signal.Signals, process: int | None = None) -> None:
        """Send the signal inside the container, where the process id is valid."""
        container = self._container(service)
        if process is None:
            self._stack.docker("kill", f"--signal={number.name}", container["Id"])
        else:
            self._stack.inside(container, "sh", "-c", f"kill -s {number.name[3:]} {process}")

    def run_in_data(self, service: Service, script: str) -> None:
        """Images of services with data start in its folder."""
        self._stack.inside(self._container(service), "sh", "-euc", script)

    def _container(self, service: Service) -> Container:
        (container,) = self._stack.containers(service)
        return container
