"""A simulated queue with its workers: the first waiting job goes to the first free worker."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

RunTime = Callable[[random.Random], float]
"""Draws a job's run time in seconds."""


def always(seconds: float) -> RunTime:
    return lambda _: seconds


def exponential(mean: float) -> RunTime:
    return lambda chance: chance.expovariate(1 / mean)


def lognormal(median: float, sigma: float) -> RunTime:
    return lambda chance: median * math.exp(chance.gauss(0, sigma))


def mostly(usual: float, seldom: float, share: float) -> RunTime:
    """Most jobs are quick; a share of them runs for `seldom` seconds."""
    return lambda chance: seldom if chance.random() < share else usual


def pareto(least: float, tail: float) -> RunTime:
    """A heavy tail: the share of the jobs that run longer than x falls as x ** -tail."""
    return lambda chance: least * chance.paretovariate(tail)


@dataclass(frozen=True)
class Traffic:
    """Jobs that arrive at random, at this mean rate a second."""

    rate: float
    run_time: RunTime
    jobs: int = 200_000
    burst: int = 1
    """As many arrive at once."""

    def run_times(self) -> list[float]:
        """The run time of each job; the same numbers in every run."""
        chance = random.Random(7)
        return [self.run_time(chance) for _ in range(self.jobs)]

    def share_in_time(self, workers: int, seconds: float) -> float:
        """The share of jobs that wait no longer than this."""
        chance = random.Random(11)
        free_at = [0.0] * workers
        now, in_time = 0.0, 0
        for number, run_time in enumerate(self.run_times()):
            if number % self.burst == 0:
                now += chance.expovariate(self.rate / self.burst)
            start = max(now, free_at[0])
            heapq.heapreplace(free_at, start + run_time)
            in_time += start - now <= seconds
        return in_time / self.jobs

    def enough(self, seconds: float, ratio: float, near: int) -> int:
        """The smallest number of workers with which this share of the jobs waits no longer."""
        workers = near
        while self.share_in_time(workers, seconds) < ratio:
            workers += 1
        while workers > 1 and self.share_in_time(workers - 1, seconds) >= ratio:
            workers -= 1
        return workers
