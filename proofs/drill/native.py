"""The services of a stack as local processes."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator

import psutil

from proofs.harness.native_stack import NativeStack
from proofs.harness.processes import kill_with_children
from proofs.harness.waiting import wait_until
from stack.native.supervisor import Supervisor
from stack.services import Service


class NativeServices:
    """proofs.drill.services.Services documents the methods."""

    def __init__(self, stack: NativeStack) -> None:
        self._stack = stack
        self._supervisor = Supervisor(stack.state)

    @contextlib.contextmanager
    def stopped(self, service: Service) -> Iterator[None]:
        """Stop it with supervisord."""
        try:
            self._supervisor.request_stop(service.name)
            wait_until(lambda: service.name not in self._stack.numbers(), f"the end of {service.name}")
            yield
        finally:
            self._supervisor.update(self._stack.settings.stop_grace)

    @contextlib.contextmanager
    def frozen(self, service: Service) -> Iterator[None]:
        """Send SIGSTOP. A frozen process does not even handle SIGTERM."""
        process = self._process(service)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def kill(self, service: Service) -> None:
        """Send SIGKILL. supervisord starts it again."""
        kill_with_children(self._stack.numbers()[service.name])

    def send(self, service: Service, number: signal.Signals, process: int | None = None) -> None:
        """Send the signal. A local process has the same id inside and outside."""
        (psutil.Process(process) if process else self._process(service)).send_signal(number)

    def run_in_data(self, service: Service, script: str) -> None:
        """Run it in the service's folder below the state directory."""
        subprocess.run(["sh", "-euc", script], cwd=self._stack.state / service.name, check=True)

    def _process(self, service: Service) -> psutil.Process:
        return psutil.Process(self._stack.numbers()[service.name])
