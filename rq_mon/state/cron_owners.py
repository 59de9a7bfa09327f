"""Owners of a cron job: lists, each in a generation, and applications that registered it at run time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

Generation = int
"""Grows with each start of a cron scheduler that has the list."""

RUN_TIME = ""
"""Used like the name of a list for registrations at run time."""


@dataclass(frozen=True, slots=True)
class Owners:
    """The lists that have a cron job, and whether it was registered at run time."""

    lists: Mapping[str, Generation] = field(default_factory=dict)
    at_run_time: bool = False

    def __bool__(self) -> bool:
        """False if no owner is left; the cron job is then cancelled."""
        return self.at_run_time or bool(self.lists)

    def with_run_time(self) -> Self:
        """Return these owners plus a registration at run time."""
        return type(self)(self.lists, at_run_time=True)

    def with_list(self, name: str, generation: Generation) -> Self:
        """Return these owners plus a list in this generation."""
        return type(self)({**self.lists, name: generation}, self.at_run_time)

    def without_list(self, name: str) -> Self:
        """Return these owners without a list."""
        return type(self)({each: g for each, g in self.lists.items() if each != name}, self.at_run_time)

    def names(self) -> list[str]:
        """Return the names of the owners, for display."""
        return [*sorted(self.lists), *(["run time"] if self.at_run_time else [])]

    def to_json(self) -> str:
        """Return the owners as stored in Redis."""
        return json.dumps({**self.lists, **({RUN_TIME: 0} if self.at_run_time else {})})

    @classmethod
    def from_json(cls, text: bytes | None) -> Self | None:
        """Return the owners that `to_json` wrote; None for data from before lists had names."""
        try:
            stored = json.loads(text or b"")
            lists = {name: int(generation) for name, generation in stored.items() if name != RUN_TIME}
        except (AttributeError, TypeError, ValueError, OverflowError, RecursionError):
            return None
        return cls(lists, at_run_time=RUN_TIME in stored)
