"""The demo may run for hours: its jobs meet the objectives, so that no error budget burns."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from demo import load
from demo.load import KINDS
from rq_mon.objectives import load_objectives
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.settings import PROJECT_ROOT

RUNS_OF_A_KIND = 2000

End = tuple[str, bool, float]
"""A job's queue, whether it succeeded in the end, and the seconds of its longest run."""


@dataclass
class Simulation:
    """Runs jobs at once, with a clock that moves only while something sleeps."""

    monkeypatch: pytest.MonkeyPatch
    slept: float = 0.0

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(time, "sleep", self._sleep)
        self.monkeypatch.setattr(load, "job_scheduler", self._run)

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    def _run(
        self,
        function: Callable[..., object],
        function_args: tuple[Any, ...] = (),
        *,
        max_retries: int | None = 3,
        job_timeout: float = 180,
        queue_name: str = SHORT_RUNNING_QUEUE,
        **_: object,
    ) -> End:
        longest, succeeded = 0.0, False
        for _attempt in range(1 + (max_retries or 0)):
            self.slept, failed = 0.0, False
            try:
                function(*function_args)
            except Exception:
                failed = True
            longest = max(longest, min(self.slept, job_timeout))
            if not failed and self.slept <= job_timeout:
                succeeded = True
                break
        return queue_name, succeeded, longest


@pytest.mark.parametrize("queue", [SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE])
def test_jobs_of_the_demo_meet_the_objectives_of_their_queue(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    random.seed(1)
    Simulation(monkeypatch)
    objectives = load_objectives(PROJECT_ROOT / "objectives.yml").of(queue)
    rates: dict[str, float] = defaultdict(float)

    for kind in KINDS:
        rate = kind.at_once / kind.seconds_between / RUNS_OF_A_KIND
        for _ in range(RUNS_OF_A_KIND):
            where, succeeded, longest = cast(End, kind.enqueue())
            if where == queue:
                rates["jobs"] += rate
                rates["succeeded"] += rate * succeeded
                rates["in time"] += rate * (longest <= objectives.run_seconds)

    assert objectives.success_ratio <= rates["succeeded"] / rates["jobs"] < 1
    assert rates["in time"] / rates["jobs"] >= objectives.on_time_ratio
