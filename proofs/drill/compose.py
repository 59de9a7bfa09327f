"""The services of a stack as containers."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from proofs.harness.compose_stack import ComposeStack
from stack.compose.containers import Container
from stack.services import Service


class ComposeServices:
    """proofs.drill.services.Services tells what each method promises."""

    def __init__(self, stack: ComposeStack) -> None:
        self._stack = stack

    @contextlib.contextmanager
    def stopped(self, service: Service) -> Iterator[None]:
        """Stop its container; the engine does not restart what was stopped by hand."""
        try:
            self._stack.compose("stop", service.name)
            yield
        finally:
            self._stack.compose("start", service.name)

    @contextlib.contextmanager
    def frozen(self, service: Service) -> Iterator[None]:
        """The kernel gives a paused container no time; it hears no signal either."""
        self._stack.compose("pause", service.name)
        try:
            yield
        finally:
            self._stack.compose("unpause", service.name)

    def kill(self, service: Service) -> None:
        """SIGKILL from inside, after which the engine restarts it; after `docker kill` it would not."""
        self._stack.kill_all_processes(self._container(service))

    def send(self, service: Service, number: signal.Signals, process: int | None = None) -> None:
        """A process that is named is one of the container, where it is sent its signal from inside."""
        container = self._container(service)
        if process is None:
            self._stack.docker("kill", f"--signal={number.name}", container["Id"])
        else:
            self._stack.inside(container, "sh", "-c", f"kill -s {number.name[3:]} {process}")

    def run_in_data(self, service: Service, script: str) -> None:
        """The images of services that keep data start in its folder."""
        self._stack.inside(self._container(service), "sh", "-euc", script)

    def _container(self, service: Service) -> Container:
        (container,) = self._stack.containers(service)
        return container
