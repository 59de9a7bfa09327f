"""Wait until the services of a runtime are healthy."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from stack.runtime import Health, Runtime, State
from stack.services import REDIS, Service

HEALTHY_WITHIN = 90.0
HOPELESS_AFTER = 10.0
"""Seconds after its first failure during which a service may restart and recover."""

POLL = 0.1

ROUNDS = 2
"""How often to restart broken services: Redis first, then what has not recovered with it."""


def bring_to_health(runtime: Runtime) -> Mapping[Service, State]:
    """Wait until all services are healthy. Restart those that run but do not work, and wait again."""
    states = wait_until_healthy(runtime)
    restarted: list[Service] = []
    for _ in range(ROUNDS):
        failed = [service for service, state in states.items() if state.health is Health.FAILED]
        hopeless = REDIS in failed and REDIS in restarted
        new = (
            []
            if hopeless
            else runtime.restart_broken([service for service in failed if service not in restarted])
        )
        if not new:
            break
        restarted += new
        states = wait_until_healthy(runtime)
    return states


def wait_until_healthy(
    runtime: Runtime, within: float = HEALTHY_WITHIN, only: Collection[Service] | None = None
) -> Mapping[Service, State]:
    """Return the states once all services are healthy, or once it is clear that they will not be.

    Args:
        runtime: the runtime to ask
        within: seconds after which to give up
        only: the services to wait for; None for all
    """
    deadline = time.monotonic() + within
    first_failures: dict[Service, float] = {}
    while True:
        states = runtime.states()
        now = time.monotonic()
        unhealthy = {
            each: state
            for each, state in states.items()
            if (only is None or each in only) and state.health is not Health.HEALTHY
        }
        failed = [service for service, state in unhealthy.items() if state.health is Health.FAILED]
        for service in failed:
            first_failures.setdefault(service, now)
        hopeless = [service for service in failed if now - first_failures[service] > HOPELESS_AFTER]
        if len(hopeless) == len(unhealthy) or now > deadline:
            return states
        time.sleep(POLL)
