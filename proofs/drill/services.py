"""What faults do to the services of a stack, whichever way it runs."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from typing import Protocol

from stack.services import Service


class Services(Protocol):
    """The processes of a stack; native.py and compose.py have one of these each."""

    def stopped(self, service: Service) -> AbstractContextManager[None]:
        """Keep a service stopped for as long as the block lasts, and start it again whatever happens."""

    def frozen(self, service: Service) -> AbstractContextManager[None]:
        """Keep a service from doing anything, as a machine without memory would."""

    def kill(self, service: Service) -> None:
        """End a service and all its processes at once, as the kernel or a power cut would."""

    def send(self, service: Service, number: signal.Signals, process: int | None = None) -> None:
        """Send a signal to a service, or to one of its processes, by the number that this has for itself."""

    def run_in_data(self, service: Service, script: str) -> None:
        """Run a shell script in the folder where a service keeps its data."""
