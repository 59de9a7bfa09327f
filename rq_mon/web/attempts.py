"""Limits wrong passwords, against guessing."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

SECONDS = 300
PER_ADDRESS = 10
IN_ALL = 100
"""Limit for all addresses together, as an attacker may have many."""


class FailedLogins:
    """Failed logins of the last SECONDS; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: deque[tuple[float, str]] = deque(maxlen=IN_ALL)

    def add(self, address: str) -> None:
        """Count a failed login."""
        with self._lock:
            self._failures.append((self._clock(), address))

    def seconds_to_wait(self, address: str) -> int:
        """Return the seconds until this address may try again; 0: at once."""
        with self._lock:
            now = self._clock()
            while self._failures and self._failures[0][0] <= now - SECONDS:
                self._failures.popleft()
            own = [at for at, each in self._failures if each == address]
            waits = [own[-PER_ADDRESS]] if len(own) >= PER_ADDRESS else []
            if len(self._failures) >= IN_ALL:
                waits.append(self._failures[0][0])
            return max((int(at + SECONDS - now) + 1 for at in waits), default=0)
