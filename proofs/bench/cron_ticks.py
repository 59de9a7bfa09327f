"""How many due ticks one cron scheduler can claim in a second."""

from __future__ import annotations

import time
from typing import Any
from zoneinfo import ZoneInfo

from redis import Redis

from proofs.bench.jobs import noop
from proofs.bench.scraping import fresh_redis
from proofs.table import Row, verdict
from rq_mon.catalogue import CRON_NEXT_TICKS_KEY
from rq_mon.cron.definition import define
from rq_mon.cron.lists import CronList
from rq_mon.cron.ticks import TickClaims

CRON_JOBS, ROUNDS = 1000, 10
SCHEDULES = 60
EVERY = 300
LEAST = 2000


def run() -> list[Row]:
    """Make all cron jobs due at once, again and again, and claim their ticks."""
    with fresh_redis() as server, Redis.from_url(server.url) as connection:
        now = time.time()
        cron_jobs = [
            define(
                noop,
                f"*/5,{number % SCHEDULES} * * * *",
                queue_name="mail",
                timezone=ZoneInfo("Europe/Berlin"),
                now=now,
                timeout=120,
                args=(number,),
            )
            for number in range(CRON_JOBS)
        ]
        list_ = CronList(connection, "default")
        list_.register(cron_jobs, list_.new_generation())
        claims, last = TickClaims(connection, grace=EVERY), int(now) // EVERY * EVERY
        rates = []
        for tick in range(last - EVERY * ROUNDS, last + 1, EVERY):
            connection.zadd(CRON_NEXT_TICKS_KEY, {cron_job.id: tick for cron_job in cron_jobs})
            rates.append(_rate(claims, connection, tick))
    rates = sorted(rates[1:])  # warm-up
    median = rates[len(rates) // 2]
    return [
        Row(
            "due ticks claimed in a second of CPU time, cron scheduler and Redis",
            f"{median:,.0f}",
            f"{rates[0]:,.0f} to {rates[-1]:,.0f}, {ROUNDS} rounds of {CRON_JOBS:,} in {SCHEDULES} schedules",
            f"≥ {LEAST:,}",
            verdict(median >= LEAST),
        )
    ]


def _rate(claims: TickClaims, connection: Any, tick: int) -> float:
    """Claim everything due at `tick`, alternating between the two.

    CPU time is the time on a quiet machine.
    """
    started = _cpu_seconds(connection)
    claimed = 0
    while (due := claims.next_tick()) is not None and due <= tick:
        claimed += len(claims.claim(tick))
    assert claimed == CRON_JOBS
    return claimed / (_cpu_seconds(connection) - started)


def _cpu_seconds(connection: Any) -> float:
    used = connection.info("cpu")
    return time.process_time() + float(used["used_cpu_user"]) + float(used["used_cpu_sys"])
