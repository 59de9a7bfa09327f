"""Wait until the services of a runtime are healthy."""

from __future__ import annotations

import time
from collections.abc import Mapping

from stack.runtime import Health, Runtime, State
from stack.services import Service

HEALTHY_WITHIN = 90.0
HOPELESS_AFTER = 10.0
"""Seconds after its first failure in which a service, restarted again and again, has its chances."""

POLL = 0.25


def wait_until_healthy(runtime: Runtime, within: float = HEALTHY_WITHIN) -> Mapping[Service, State]:
    """Return the states as soon as all services are healthy, or when that is not to be expected any more."""
    deadline = time.monotonic() + within
    first_failures: dict[Service, float] = {}
    while True:
        states = runtime.states()
        now = time.monotonic()
        unhealthy = {each: state for each, state in states.items() if state.health is not Health.HEALTHY}
        failed = [service for service, state in unhealthy.items() if state.health is Health.FAILED]
        for service in failed:
            first_failures.setdefault(service, now)
        hopeless = [service for service in failed if now - first_failures[service] > HOPELESS_AFTER]
        if len(hopeless) == len(unhealthy) or now > deadline:
            return states
        time.sleep(POLL)
