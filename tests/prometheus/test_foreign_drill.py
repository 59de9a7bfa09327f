"""The drill's faults of jobs, queues, workers and cron, with Prometheus servers outside of the stack.

All waits are divided as in the drill, including a scrape interval of 30 seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import proofs.drill.faults  # noqa: F401 - fills FAULTS
from proofs.drill.fault import FAULTS, Expected
from proofs.drill.scale import FACTOR, scale_rules
from proofs.drill.stack import DrillStack
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from proofs.harness.webhook import running_webhook
from stack.native.runtime import NativeRuntime
from stack.services import RQ_EXPORTER
from tests.prometheus.conftest import SUITES, THIS_DEBIAN, Programs
from tests.prometheus.foreign_prometheus import (
    LABELS,
    REDIS,
    alerts_of,
    ask,
    exported_rules,
    foreign_prometheus,
)

pytestmark = [
    pytest.mark.e2e(seconds=20),
    pytest.mark.needs(
        *("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
        *("apt-get", "dpkg"),
    ),
]

ROOMS = ("jobs", "queues", "workers", "cron")
DRILLED = [name for name, fault in FAULTS.items() if fault.injected.__module__.rsplit(".", 1)[1] in ROOMS]
ALWAYS = ("horse-killed", "half-of-the-jobs-fail", "cancelled-dependency", "worker-frozen", "tick-missed")
"""One fault of each kind, and of the objectives. `make test-proofs` runs the others, too."""
WITHIN = 240.0
"""Seconds: the fault's own time, on a machine with other work."""


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrillStack]:
    with running_webhook() as webhook:
        drill = DrillStack(project_root, tmp_path_factory.mktemp("drill"), NativeRuntime.name, webhook)
        try:
            drill.start_all()
            yield drill
        finally:
            drill.remove()


@pytest.fixture(scope="module")
def foreigners(
    stack: DrillStack, programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    directory = tmp_path_factory.mktemp("foreign")
    rules = exported_rules(directory / "rules", change=scale_rules)
    port = stack.copy.settings.port(RQ_EXPORTER)
    with ExitStack() as block:
        servers = {
            version: block.enter_context(
                foreign_prometheus(
                    programs(version),
                    directory / version,
                    port,
                    rules,
                    interval=f"{1000 * 30 // FACTOR}ms",
                    evaluation_interval="1s",
                )
            )
            for version in (THIS_DEBIAN, *SUITES)
        }
        for server in servers.values():
            # A new function counts from zero once the rules know that it did not exist before.
            wait_until(partial(seen_for_a_while, server), "some scrapes", within=WITHIN)
        yield servers


def seen_for_a_while(prometheus: Server) -> bool:
    return bool(ask(prometheus, "query", query="rq_redis_up offset 10s == 1"))


def found(prometheus: Server, expected: Expected) -> list[dict[str, Any]]:
    return [alert for alert in alerts_of(prometheus) if expected.fits(alert["labels"])]


def fires_since(prometheus: Server, expected: Expected, moment: float) -> bool:
    return any(
        alert["state"] == "firing"
        and datetime.fromisoformat(alert["activeAt"][:19] + "+00:00").timestamp() >= moment - 1
        and alert["labels"]["instance"] == REDIS
        and LABELS.items() <= alert["labels"].items()
        for alert in found(prometheus, expected)
    )


def test_at_least_one_fault_of_each_kind_is_always_drilled() -> None:
    assert {FAULTS[name].injected.__module__.rsplit(".", 1)[1] for name in ALWAYS} == set(ROOMS)


@pytest.mark.parametrize(
    "name",
    [*ALWAYS, *(pytest.param(name, marks=pytest.mark.proof) for name in DRILLED if name not in ALWAYS)],
)
def test_a_fault_raises_its_alerts_in_every_prometheus(
    stack: DrillStack, foreigners: dict[str, Server], name: str
) -> None:
    fault = FAULTS[name]
    expected = [(server, each) for server in foreigners.values() for each in fault.expects]
    wait_until(lambda: not any(found(*each) for each in expected), "the last fault to be over", within=WITHIN)

    with fault.injected(stack):
        injected = time.time()
        wait_until(
            lambda: all(fires_since(*each, injected) for each in expected),
            f"{', '.join(str(each) for each in fault.expects)} in {', '.join(foreigners)}",
            within=WITHIN,
            every=0.5,
        )
