"""What queries cost Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from proofs.bench.blocking import cpu_clock
from proofs.harness.prometheus import PrometheusServer


class Cost(NamedTuple):
    """Seconds: how long it took, and how long Prometheus computed."""

    passed: float
    computed: float


def least_cost(prometheus: PrometheusServer, action: Callable[[], object], *, runs: int) -> Cost:
    """Return each least cost of some runs: the first reads blocks from disk, and other load only adds."""
    costs = [cost(prometheus, action) for _ in range(runs)]
    return Cost(min(each.passed for each in costs), min(each.computed for each in costs))


def cost(prometheus: PrometheusServer, action: Callable[[], object]) -> Cost:
    """Return the cost of one run."""
    clock = cpu_clock(prometheus.process_id)
    computed, started = time.clock_gettime(clock), time.perf_counter()
    action()
    passed = time.perf_counter() - started
    return Cost(passed, time.clock_gettime(clock) - computed)
