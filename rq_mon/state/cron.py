"""Cron jobs, their ticks, and the schedulers that enqueue them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rq_mon.catalogue import (
    CRON_JOBS_KEY,
    CRON_LAST_TICKS_KEY,
    CRON_NEXT_TICKS_KEY,
    CRON_OWNERS_KEY,
    CRON_PAUSED_KEY,
    CRON_SCHEDULERS_KEY,
    CRON_TICKS_KEY,
    TICK_RESULTS,
)
from rq_mon.connection.clock import unix_time
from rq_mon.state.cron_owners import Owners
from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import TIME, Reading
from rq_mon.state.round_trip import Command
from rq_mon.state.values import Fields, hash_of, label_text


@dataclass(slots=True)
class CronJobFacts:
    """One cron job; unreadable fields are None. Ticks are Unix times."""

    queue: str
    function: str
    schedule: str
    next_tick: float | None
    last_tick: float | None
    is_paused: bool = False
    registered_by: list[str] = field(default_factory=list)
    """Names of lists, or `run time`; empty if a version from before lists had names registered it."""


@dataclass(frozen=True, slots=True)
class CronFacts:
    """All facts about cron."""

    jobs: dict[str, CronJobFacts]
    """Cron jobs by id."""
    ticks: dict[tuple[str, str], float | None]
    """Counts of ticks, by cron job id and result."""
    live_schedulers: tuple[str, ...] | None
    """Names of live schedulers; None if their key has a wrong type."""


def read_cron(errors: Errors, now: float) -> Reading[CronFacts]:
    """Read every cron job and the live schedulers, by the clock of Redis.

    `now`, a Unix time, replaces that clock if the user may not call TIME.
    """
    fields = Fields("cron", errors)
    time, definitions, last_ticks, ticks, paused, owners = yield [
        TIME,
        ("HGETALL", CRON_JOBS_KEY),
        ("HGETALL", CRON_LAST_TICKS_KEY),
        ("HGETALL", CRON_TICKS_KEY),
        ("HGETALL", CRON_PAUSED_KEY),
        ("HGETALL", CRON_OWNERS_KEY),
    ]
    definitions, last_ticks, paused = hash_of(definitions), hash_of(last_ticks), hash_of(paused)
    owners = hash_of(owners)
    last_step: list[Command] = [_alive_at(unix_time(time) if time else now)]
    if definitions:
        last_step.append(("ZMSCORE", CRON_NEXT_TICKS_KEY, *definitions))
    live, *scores = yield last_step
    next_ticks = dict(zip(definitions, scores[0] or (), strict=False)) if scores else {}
    jobs = {}
    for raw_id, definition in definitions.items():
        job = _job(raw_id, definition, next_ticks.get(raw_id), last_ticks.get(raw_id), fields)
        if job is not None:
            job.is_paused = raw_id in paused
            job.registered_by = (Owners.from_json(owners.get(raw_id)) or Owners()).names()
            jobs[label_text(raw_id)] = job
    return CronFacts(
        jobs=jobs,
        ticks=_ticks(hash_of(ticks), fields),
        live_schedulers=_names(live),
    )


def read_live_schedulers(now: float) -> Reading[tuple[str, ...] | None]:
    """Read only the names of the live cron schedulers; see `read_cron`."""
    (time,) = yield [TIME]
    (live,) = yield [_alive_at(unix_time(time) if time else now)]
    return _names(live)


def _alive_at(time: float) -> Command:
    return ("ZRANGEBYSCORE", CRON_SCHEDULERS_KEY, time, "+inf")


def _names(live: Sequence[bytes] | None) -> tuple[str, ...] | None:
    return None if live is None else tuple(sorted(label_text(name) for name in live))


def _job(
    raw_id: bytes, definition: bytes, next_tick: bytes | None, last_tick: bytes | None, fields: Fields
) -> CronJobFacts | None:
    try:
        stored = json.loads(definition)
        queue, function, schedule = (
            label_text(stored[name].encode(errors="backslashreplace"))
            for name in ("queue", "function", "schedule")
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        fields.skip(f"definition of cron job {raw_id!r}: {type(error).__name__}: {error}")
        return None
    return CronJobFacts(
        queue=queue,
        function=function,
        schedule=schedule,
        next_tick=float(next_tick) if next_tick is not None else None,
        last_tick=fields.number(last_tick, "last tick of cron job", raw_id) if last_tick else None,
    )


def _ticks(counts: Mapping[bytes, bytes], fields: Fields) -> dict[tuple[str, str], float | None]:
    found: dict[tuple[str, str], float | None] = {}
    for name, count in counts.items():
        cron_job, _, result = label_text(name).rpartition(":")
        if cron_job and result in TICK_RESULTS:
            found[cron_job, result] = fields.count(count, "ticks", name)
        else:
            fields.skip(f"{name[:100]!r} in {CRON_TICKS_KEY} is not `<cron job id>:<result>`")
    return found
