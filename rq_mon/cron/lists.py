"""Lists of cron jobs: which list a cron job is on, and what a newer generation of a list cancels.

Cron schedulers may disagree. A deployment runs old and new ones at the same time, one may be frozen for
minutes, and two applications may have a list each. So each list has a name. A process that starts with a list
takes a generation above all earlier ones. It cancels cron jobs that the same list registered in lower
generations, and only while its own is the highest. Cron jobs of other lists, and those that applications
register at run time, stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from rq_mon.catalogue import CRON_JOBS_KEY, CRON_LISTS_KEY, CRON_OWNERS_KEY
from rq_mon.connection.clock import redis_time
from rq_mon.cron.definition import CronJob
from rq_mon.cron.identity import shown_id
from rq_mon.cron.stored import delete, read_stored, transaction, write, write_owners
from rq_mon.state.cron_owners import Generation, Owners


@dataclass(frozen=True, slots=True)
class ListChange:
    """The changes that registering a list made."""

    is_newest: bool = True
    """False: a newer generation of the list exists, so nothing was changed."""
    cancelled: list[str] = field(default_factory=list)
    """Ids of the cron jobs that left this list and have no other owner."""
    unclaimed: list[str] = field(default_factory=list)
    """Ids of cron jobs from before lists had names, not on this list. They stay, and are reported once."""


class CronList:
    """One named list of cron jobs. Each change is one transaction: no reader sees half of it."""

    def __init__(self, connection: Redis, name: str) -> None:
        self.connection: Any = connection  # redis-py's types mix answers with awaitables
        self.name = name

    def newest_generation(self) -> Generation:
        """Return the newest generation of the list; 0 if none exists or it cannot be read."""
        stored = self.connection.hget(CRON_LISTS_KEY, self.name)
        return int(stored) if stored is not None and stored.isdigit() else 0

    def new_generation(self) -> Generation:
        """Take a generation above all earlier ones, even if Redis has lost those."""

        def change(pipeline: Any) -> Generation:
            microseconds = int(redis_time(self.connection) * 1e6)
            generation = max(self.newest_generation() + 1, microseconds)
            pipeline.multi()
            pipeline.hset(CRON_LISTS_KEY, self.name, generation)
            return generation

        return int(transaction(self.connection, change))

    def register(self, cron_jobs: Iterable[CronJob], generation: Generation) -> ListChange:
        """Register the cron jobs of the list, and cancel those that only its older generations had."""
        listed = {cron_job.id.encode(): cron_job for cron_job in cron_jobs}

        def change(pipeline: Any) -> ListChange:
            if self.newest_generation() > generation:
                pipeline.multi()
                return ListChange(is_newest=False)
            stored, now = read_stored(self.connection, listed), redis_time(self.connection)
            others = {raw_id: each for raw_id, each in self._all_owners().items() if raw_id not in listed}
            pipeline.multi()
            pipeline.hset(CRON_LISTS_KEY, self.name, generation)
            for raw_id, cron_job in listed.items():
                owners = (stored[raw_id].owners or Owners()).with_list(self.name, generation)
                write(pipeline, cron_job, stored[raw_id].next_tick_of(cron_job, now), owners)
            return ListChange(
                cancelled=self._take_off(pipeline, others, generation),
                unclaimed=_note_unclaimed(pipeline, others),
            )

        changed: ListChange = transaction(self.connection, change)
        return changed

    def _all_owners(self) -> dict[bytes, Owners | None]:
        """Return the owners of each cron job, sorted by id."""
        with self.connection.pipeline(transaction=False) as reads:
            reads.hkeys(CRON_JOBS_KEY)
            reads.hgetall(CRON_OWNERS_KEY)
            raw_ids, owners = reads.execute()
        return {raw_id: Owners.from_json(owners.get(raw_id)) for raw_id in sorted(raw_ids)}

    def _take_off(
        self, pipeline: Any, others: dict[bytes, Owners | None], generation: Generation
    ) -> list[str]:
        """Take cron jobs off the list, and return the ids of those that are cancelled by this."""
        cancelled = []
        for raw_id, owners in others.items():
            if owners is None or owners.lists.get(self.name, generation) >= generation:
                continue
            left = owners.without_list(self.name)
            if left:
                write_owners(pipeline, raw_id, left)
            else:
                delete(pipeline, raw_id)
                cancelled.append(shown_id(raw_id))
        return cancelled


def _note_unclaimed(pipeline: Any, others: dict[bytes, Owners | None]) -> list[str]:
    """Return the ids of cron jobs from before lists had names, and remember that this was done."""
    unclaimed = [raw_id for raw_id, owners in others.items() if owners is None]
    for raw_id in unclaimed:
        write_owners(pipeline, raw_id, Owners())
    return [shown_id(raw_id) for raw_id in unclaimed]
