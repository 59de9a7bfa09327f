"""The services of a stack as processes of this machine."""

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
    """proofs.drill.services.Services tells what each method promises."""

    def __init__(self, stack: NativeStack) -> None:
        self._stack = stack
        self._supervisor = Supervisor(stack.state)

    @contextlib.contextmanager
    def stopped(self, service: Service) -> Iterator[None]:
        """Have supervisord stop it."""
        try:
            self._supervisor.request_stop(service.name)
            wait_until(lambda: service.name not in self._stack.numbers(), f"the end of {service.name}")
            yield
        finally:
            self._supervisor.update(self._stack.settings.stop_grace)

    @contextlib.contextmanager
    def frozen(self, service: Service) -> Iterator[None]:
        """SIGSTOP; not even SIGTERM is heard then."""
        process = self._process(service)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def kill(self, service: Service) -> None:
        """SIGKILL; supervisord starts it again."""
        kill_with_children(self._stack.numbers()[service.name])

    def send(self, service: Service, number: signal.Signals, process: int | None = None) -> None:
        """Processes have the same numbers for themselves and for this one."""
        (psutil.Process(process) if process else self._process(service)).send_signal(number)

    def run_in_data(self, service: Service, script: str) -> None:
        """Each service has a folder of its own below the state directory."""
        subprocess.run(["sh", "-euc", script], cwd=self._stack.state / service.name, check=True)

    def _process(self, service: Service) -> psutil.Process:
        return psutil.Process(self._stack.numbers()[service.name])
