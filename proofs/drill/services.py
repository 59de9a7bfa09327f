"""What faults do to the services of a stack, in either runtime."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from typing import Protocol

from stack.services import Service


class Services(Protocol):
    """The processes of a stack, implemented by native.py and compose.py."""

    def stopped(self, service: Service) -> AbstractContextManager[None]:
        """Stop a service for the block, and start it again whatever happens."""

    def frozen(self, service: Service) -> AbstractContextManager[None]:
        """Freeze a service for the block, like a machine that is out of memory."""

    def kill(self, service: Service) -> None:
        """End a service and all its processes at once, like the kernel's OOM killer or a power cut."""

    def send(self, service: Service, number: signal.Signals, process: int | None = None) -> None:
        """Send a signal to a service, or to the process with this id inside the service."""

    def run_in_data(self, service: Service, script: str) -> None:
        """Run a shell script in the service's data folder."""
