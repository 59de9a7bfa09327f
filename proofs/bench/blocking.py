"""How long Redis keeps other clients waiting while something else runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from redis import Redis

CPUCLOCK_SCHED = 2

BEGINS_WITHIN = 30.0


class Wait(NamedTuple):
    """The time of one PING, in seconds."""

    busy: float
    """CPU time of Redis during the PING: the cause of the wait, independent of other load on the machine."""
    passed: float
    """Wall time. On a busy machine this is mostly time in which neither Redis nor this process ran."""


def longest_wait(server_id: int, port: int, during: Callable[[], object]) -> Wait:
    """Send one PING after another while `during` runs. Return the longest wait of each kind.

    Args:
        server_id: process id of Redis.
        port: the port of Redis.
        during: the work that may block Redis.

    Raises:
        RuntimeError: Redis does not answer at all.
    """
    waits: list[Wait] = []
    has_begun, is_over = threading.Event(), threading.Event()
    clock = cpu_clock(server_id)

    def probe() -> None:
        with Redis(port=port, socket_timeout=BEGINS_WITHIN) as client:
            client.ping()
            while not is_over.is_set():
                computed, started = time.clock_gettime(clock), time.perf_counter()
                client.ping()
                passed = time.perf_counter() - started
                waits.append(Wait(time.clock_gettime(clock) - computed, passed))
                has_begun.set()

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        if not has_begun.wait(BEGINS_WITHIN):
            raise RuntimeError(f"Redis on port {port} has not answered within {BEGINS_WITHIN} s")
        during()
    finally:
        is_over.set()
        prober.join()
    return Wait(max(wait.busy for wait in waits), max(wait.passed for wait in waits))


def cpu_clock(process_id: int) -> int:
    """Return the id of a process' CPU clock, as clock_getcpuclockid(3) computes it on Linux."""
    return (~process_id << 3) | CPUCLOCK_SCHED
