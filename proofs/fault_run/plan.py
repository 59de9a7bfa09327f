"""The plan of all faults and their times, made from the seed."""

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
"""What Redis refuses: EVAL, or all keys of this project."""
WORKER_KILLS: tuple[WorkerKill, ...] = ("worker", "horse", "worker and horse")
MARGIN = 0.03
"""Share of the run without faults, at its beginning and at its end."""

FORGOTTEN_AFTER = 60
"""Seconds for which RQ remembers a silent worker beyond its ttl."""
RIGHTS: tuple[Right, ...] = ("scripts", "keys")
JUMPS = (-7200, -90, -5, 5, 90, 7200)
"""Errors in seconds of a cron scheduler's clock."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the run. Times are in seconds."""

    jobs: int = 10_000
    seconds: float = 480.0
    """Time in which the jobs are enqueued if the machine keeps up, and in which the faults occur."""
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
    """SIGSTOPs of Redis for longer than any lease."""
    lost_rights: int = 2
    """How often Redis refuses scripts, or all keys of this project, for a few seconds."""
    lost_registrations: int = 5
    """How often Redis loses everything that it knows about workers."""
    older_cron_lists: int = 2
    """Cron schedulers that start with an older list, are frozen, and continue while newer ones run."""
    worker_ttl: int = DEFAULTS.worker_ttl
    job_monitoring_interval: int = DEFAULTS.job_monitoring_interval

    @property
    def abandoned_after(self) -> int:
        """Seconds without a heartbeat after which the stack's workers count as dead."""
        return INTERVALS_UNTIL_ABANDONED * self.job_monitoring_interval

    @property
    def longest_lease(self) -> int:
        """Seconds without heartbeats after which Redis has forgotten every lease."""
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
"""A run that takes three minutes; Redis is frozen for half of them."""


class Fault(NamedTuple):
    """One fault."""

    at: float
    """Seconds after the beginning, if jobs are enqueued on time."""
    name: str
    choice: float
    """Selects the target, from 0 to 1."""
    lasts: float = 0.0
    """Duration in seconds."""
    detail: str = ""


def plan(size: Size, seed: int) -> list[Fault]:
    """Return the faults in the order of their times."""
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
    """Yield one fault in each of `count` equal parts of the time, at a random moment of the part."""
    begin, length = MARGIN * size.seconds, (1 - 2 * MARGIN) * size.seconds
    for number in range(count):
        yield make(begin + (number + chance.random()) * length / count, chance)


def _worker_kill(at: float, chance: random.Random) -> Fault:
    return Fault(at, "kill", chance.random(), detail=chance.choice(WORKER_KILLS))


def _worker_freeze(at: float, chance: random.Random, abandoned_after: float) -> Fault:
    """Some freezes last until the job is abandoned and given to another worker."""
    lasts = abandoned_after + 10 if chance.random() < 0.3 else chance.uniform(1, 10)
    return Fault(at, "freeze worker", chance.random(), lasts)


def _clock_jump(at: float, chance: random.Random) -> Fault:
    return Fault(at, "jump clock", chance.random(), chance.uniform(3, 8), str(chance.choice(JUMPS)))


def _redis_faults(size: Size, chance: random.Random) -> Iterator[Fault]:
    """Yield the faults of Redis one after another: each has its own part of the time.

    The time of the plan stands still while Redis is frozen, as nothing is enqueued then.
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
