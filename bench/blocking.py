"""For how long other clients of Redis must wait while something else is going on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from redis import Redis


def longest_wait(port: int, during: Callable[[], object]) -> float:
    """Send PING after PING while `during` runs; return the longest time, in seconds, that one took.

    It counts whatever kept Redis, or this process, from the CPU: on a busy machine compare it with the
    longest wait during nothing.
    """
    is_over = threading.Event()
    longest = 0.0

    def probe() -> None:
        nonlocal longest
        with Redis(port=port) as client:
            client.ping()
            while not is_over.is_set():
                sent = time.perf_counter()
                client.ping()
                longest = max(longest, time.perf_counter() - sent)

    prober = threading.Thread(target=probe)
    prober.start()
    during()
    is_over.set()
    prober.join()
    return longest
