"""Carries out the plan: starts each fault at its time, and ends it after its duration."""

from __future__ import annotations

import heapq
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import cast

from proofs.fault_run.plan import Fault, WorkerKill
from proofs.fault_run.processes import Processes
from proofs.fault_run.redis_server import FaultyRedis

LOOK_EVERY = 0.02
REPORTED_WITHIN = 300.0
"""Seconds to wait until all workers have written down what they were not allowed to count. They do so when
they start a job, or in their next maintenance."""


class Injector:
    """Carries out faults and counts them."""

    def __init__(self, redis: FaultyRedis, processes: Processes) -> None:
        self.done: Counter[str] = Counter()
        self.left_out: dict[str, str] = {}
        """Fault -> the reason why it cannot be carried out here."""
        self.outages: list[tuple[float, float]] = []
        """Periods in which Redis did not answer or did not write, as Unix times."""
        self.refused: list[tuple[float, float]] = []
        """Periods in which Redis refused to count, as Unix times."""
        self.last_kill = time.time()
        """Unix time."""
        self.events: list[tuple[float, str]] = []
        """The Unix time and description of each fault."""
        self.forgotten = 0
        """Number of workers' keys that Redis lost."""
        self._ending: list[tuple[float, int, ExitStack]] = []
        """A heap of the faults that last: the end by the monotonic clock, the number of the fault, and what
        ends it."""
        self._redis_until = -math.inf
        """When the fault of Redis ends, by the monotonic clock."""
        self._workers_until = -math.inf
        """When the last frozen worker continues, by the monotonic clock."""
        self._redis = redis
        self._processes = processes

    def carry_out(self, faults: Sequence[Fault], clock: Callable[[], float]) -> None:
        """Carry out all faults; return after the end of the last.

        Args:
            faults: in the order of their times.
            clock: returns the time of the plan, which passes more slowly if the jobs take longer.
        """
        with ExitStack() as whatever_happens:
            for number, fault in enumerate(faults):
                self._wait(lambda due=fault.at: clock() >= due)  # type: ignore[misc]
                self._wait_until_possible(fault)
                logged = self._processes.logged
                under_way = whatever_happens.enter_context(ExitStack())
                self._begin(fault, under_way)
                ends_at = time.monotonic() + fault.lasts
                heapq.heappush(self._ending, (ends_at, number, under_way))
                if _is_of_redis(fault):
                    self._redis_until = ends_at + LOOK_EVERY
                if fault.name == "freeze worker":
                    self._workers_until = max(self._workers_until, ends_at + LOOK_EVERY)
                if _takes_right(fault):
                    self._wait_until_reported(logged)
            self._wait(lambda: not self._ending)

    def _wait_until_possible(self, fault: Fault) -> None:
        if _is_of_redis(fault):
            self._wait(lambda: time.monotonic() > self._redis_until)
        if _takes_right(fault):
            self._wait(lambda: time.monotonic() > self._workers_until)

    def _wait_until_reported(self, logged: int) -> None:
        """Let workers write down what they were not allowed to count, before one of them is killed."""
        self._wait(lambda: time.monotonic() > self._redis_until)
        self._wait(lambda: not self._processes.have_unreported_jobs(logged), REPORTED_WITHIN)
        if self._processes.have_unreported_jobs(logged):
            self.events.append((time.time(), "some workers have not written down what they could not count"))

    def _wait(self, condition: Callable[[], bool], most: float = math.inf) -> None:
        """Wait for a condition, and end each fault after its duration meanwhile."""
        deadline = time.monotonic() + most
        while not condition() and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
            while self._ending and self._ending[0][0] <= time.monotonic():
                heapq.heappop(self._ending)[2].close()

    def _begin(self, fault: Fault, under_way: ExitStack) -> None:
        begin = time.time()
        self.events.append((begin, f"fault: {fault.name} {fault.detail}, {fault.lasts:.1f} s"))
        match fault.name:
            case "kill":
                self._processes.kill_worker(fault.choice, cast(WorkerKill, fault.detail))
            case "kill cron scheduler":
                self._processes.kill_cron_scheduler(fault.choice)
            case "crash Redis":
                self._redis.crash()
            case "cut Redis' power":
                self._redis.cut_power()
            case "lose registrations":
                self.forgotten += self._redis.lose_registrations()
            case "thaw older list":
                self._processes.thaw_older_list()
            case "fill Redis' disk" if not self._redis.has_disk:
                self.left_out[fault.name] = "mounting a file system is not permitted"
                return
            case "jump clock" if not self._processes.clocks_can_go_wrong:
                self.left_out[fault.name] = "libfaketime is not installed"
                return
            case _:
                under_way.enter_context(self._lasting(fault))
        if "Redis" in fault.name:
            self.outages.append((begin, time.time() + fault.lasts))
        if _takes_right(fault):
            self.refused.append((begin, time.time() + fault.lasts))
        self.done[fault.name] += 1
        if fault.name.startswith(("kill", "crash", "cut")):
            self.last_kill = time.time()

    def _lasting(self, fault: Fault) -> AbstractContextManager[None]:
        lasting: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "freeze Redis": self._redis.frozen,
            "freeze Redis for longer than any lease": self._redis.frozen,
            "take the right to scripts": lambda: self._redis.refusing("scripts"),
            "take the right to keys": lambda: self._redis.refusing("keys"),
            "fill Redis' disk": self._redis.full_disk,
            "freeze worker": lambda: self._processes.frozen_worker(fault.choice),
            "jump clock": lambda: self._processes.wrong_clock(fault.choice, int(fault.detail)),
        }
        return lasting[fault.name]()


def _is_of_redis(fault: Fault) -> bool:
    return "Redis" in fault.name or fault.name == "lose registrations" or _takes_right(fault)


def _takes_right(fault: Fault) -> bool:
    return fault.name.startswith("take the right")
