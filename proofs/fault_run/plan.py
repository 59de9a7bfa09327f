"""What is done to the stack, and when: all of it from the seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rq_mon.settings import Settings
from scheduler.supervised_worker import INTERVALS_UNTIL_ABANDONED

DEFAULTS = Settings()

WorkerKill = Literal["worker", "horse", "worker and horse"]
Right = Literal["scripts", "keys"]
"""What Redis refuses: EVAL, or every key of this project."""
WORKER_KILLS: tuple[WorkerKill, ...] = ("worker", "horse", "worker and horse")
MARGIN = 0.03
"""Part of the run at its beginning, and at its end, in which nothing is broken."""

FORGOTTEN_AFTER = 60
"""Seconds after its own time to live for which RQ remembers a worker that does not report."""
RIGHTS: tuple[Right, ...] = ("scripts", "keys")
JUMPS = (-7200, -90, -5, 5, 90, 7200)
"""Seconds by which a cron scheduler's clock goes wrong."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. Times in seconds."""

    jobs: int = 10_000
    seconds: float = 480.0
    """In which the jobs are enqueued if the machine keeps up; the faults come within these."""
    workers: int = 8
    cron_schedulers: int = 2
    worker_kills: int = 200
    """SIGKILLs of workers and work horses."""
    redis_crashes: int = 3
    """SIGKILLs of Redis."""
    power_cuts: int = 2
    """SIGKILLs of Redis after which the last second of its append-only file is missing."""
    cron_kills: int = 20
    worker_freezes: int = 10
    redis_freezes: int = 3
    clock_jumps: int = 8
    disk_full: int = 1
    long_redis_freezes: int = 1
    """SIGSTOPs of Redis for longer than any lease in it."""
    lost_rights: int = 2
    """Times at which Redis refuses to run scripts, or all keys of this project, for a few seconds."""
    lost_registrations: int = 5
    """Times at which Redis loses all that it knows of workers."""
    older_cron_lists: int = 2
    """Cron schedulers that start with an older list, are frozen, and go on while newer ones run."""
    worker_ttl: int = DEFAULTS.worker_ttl
    job_monitoring_interval: int = DEFAULTS.job_monitoring_interval

    @property
    def abandoned_after(self) -> int:
        """Seconds without a report after which the stack's workers count as dead."""
        return INTERVALS_UNTIL_ABANDONED * self.job_monitoring_interval

    @property
    def longest_lease(self) -> int:
        """Seconds after which Redis has forgotten all that is held by reporting."""
        return max(self.worker_ttl, self.job_monitoring_interval) + FORGOTTEN_AFTER


SHORT = Size(
    jobs=500,
    seconds=45.0,
    workers=4,
    worker_kills=12,
    redis_crashes=1,
    power_cuts=1,
    cron_kills=3,
    worker_freezes=2,
    redis_freezes=1,
    clock_jumps=2,
    lost_rights=2,
    lost_registrations=2,
    worker_ttl=16,
    job_monitoring_interval=3,
)
"""What is over in three minutes, half of which Redis is frozen."""


class Fault(NamedTuple):
    """One thing that is done."""

    at: float
    """Seconds after the beginning, if jobs are enqueued as fast as they should be."""
    name: str
    choice: float
    """From 0 to 1: which of those that could be hit."""
    lasts: float = 0.0
    """Seconds until it is undone."""
    detail: str = ""


def plan(size: Size, seed: int) -> list[Fault]:
    """Return the faults in the order of their time."""
    chance = random.Random(seed)
    faults = [
        *_spread(size.worker_kills, size, chance, _worker_kill),
        *_spread(size.cron_kills, size, chance, lambda at, c: Fault(at, "kill cron scheduler", c.random())),
        *_spread(
            size.worker_freezes, size, chance, lambda at, c: _worker_freeze(at, c, size.abandoned_after)
        ),
        *_spread(
            size.lost_registrations, size, chance, lambda at, c: Fault(at, "lose registrations", c.random())
        ),
        *_spread(size.older_cron_lists, size, chance, lambda at, c: Fault(at, "thaw older list", c.random())),
        *_spread(size.clock_jumps, size, chance, _clock_jump),
        *_redis_faults(size, chance),
    ]
    return sorted(faults)


def _spread(
    count: int, size: Size, chance: random.Random, make: Callable[[float, random.Random], Fault]
) -> Iterator[Fault]:
    """One in each of the equal parts of the time, anywhere in its part."""
    begin, length = MARGIN * size.seconds, (1 - 2 * MARGIN) * size.seconds
    for number in range(count):
        yield make(begin + (number + chance.random()) * length / count, chance)


def _worker_kill(at: float, chance: random.Random) -> Fault:
    return Fault(at, "kill", chance.random(), detail=chance.choice(WORKER_KILLS))


def _worker_freeze(at: float, chance: random.Random, abandoned_after: float) -> Fault:
    """Some freezes last longer than it takes until the job is given to another worker."""
    lasts = abandoned_after + 10 if chance.random() < 0.3 else chance.uniform(1, 10)
    return Fault(at, "freeze worker", chance.random(), lasts)


def _clock_jump(at: float, chance: random.Random) -> Fault:
    return Fault(at, "jump clock", chance.random(), chance.uniform(3, 8), str(chance.choice(JUMPS)))


def _redis_faults(size: Size, chance: random.Random) -> Iterator[Fault]:
    """One after the other: each has a part of the time of its own, and ends before the next begins.

    Nothing is enqueued while Redis is frozen, so the time of the plan stands still then.
    """
    names = [
        *["crash Redis"] * size.redis_crashes,
        *["cut Redis' power"] * size.power_cuts,
        *["freeze Redis"] * size.redis_freezes,
        *["fill Redis' disk"] * size.disk_full,
        *["freeze Redis for longer than any lease"] * size.long_redis_freezes,
        *[f"take the right to {RIGHTS[n % len(RIGHTS)]}" for n in range(size.lost_rights)],
    ]
    chance.shuffle(names)
    begin, length = MARGIN * size.seconds, (1 - 2 * MARGIN) * size.seconds / max(1, len(names))
    for number, name in enumerate(names):
        lasts = {
            "freeze Redis": min(12.0, 0.3 * length),
            "fill Redis' disk": min(8.0, 0.3 * length),
            "freeze Redis for longer than any lease": size.longest_lease + 3.0,
            "take the right to scripts": min(8.0, 0.5 * length),
            "take the right to keys": min(8.0, 0.5 * length),
        }
        yield Fault(begin + (number + 0.5 * chance.random()) * length, name, 0.0, lasts.get(name, 0.5))
