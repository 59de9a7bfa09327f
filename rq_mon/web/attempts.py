"""How many wrong passwords are tried, so that no one guesses on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

SECONDS = 300
PER_ADDRESS = 10
IN_ALL = 100
"""An attacker may have many addresses."""


class FailedLogins:
    """Failed logins of the last SECONDS, from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: deque[tuple[float, str]] = deque(maxlen=IN_ALL)

    def add(self, address: str) -> None:
        """Count one."""
        with self._lock:
            self._failures.append((self._clock(), address))

    def seconds_to_wait(self, address: str) -> int:
        """Return the seconds until the next login from this address is looked at; 0 if it is at once."""
        with self._lock:
            now = self._clock()
            while self._failures and self._failures[0][0] <= now - SECONDS:
                self._failures.popleft()
            own = [at for at, each in self._failures if each == address]
            waits = [own[-PER_ADDRESS]] if len(own) >= PER_ADDRESS else []
            if len(self._failures) >= IN_ALL:
                waits.append(self._failures[0][0])
            return max((int(at + SECONDS - now) + 1 for at in waits), default=0)
