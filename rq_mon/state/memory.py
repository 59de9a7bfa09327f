"""Keeps the results of readings: while Redis sends the same bytes, nothing is parsed and computed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from zlib import crc32

from redis.exceptions import ResponseError

from rq_mon.state.errors import Errors, Problems
from rq_mon.state.pipeline import Reading
from rq_mon.state.round_trip import CHUNK, Answer, Bundle, Command

N = TypeVar("N")
T = TypeVar("T")

Step = tuple[int, tuple[Command, ...]]
"""A step's number, and its commands or a part of them."""


class Group(tuple[T, ...]):
    """Facts about some workers or queues; the same object as long as nothing about them changes."""

    made: dict[Any, Any]
    """Values that callers derived from it."""

    def __new__(cls, facts: Iterable[T]) -> Group[T]:
        """Collect the facts."""
        made = super().__new__(cls, facts)
        made.made = {}
        return made

    __hash__ = object.__hash__
    __eq__ = object.__eq__


@dataclass(slots=True)
class _Run(Generic[T]):
    """What a reading asked, what Redis answered, and what the reading made of it."""

    result: T
    asked: dict[Step, Bundle]
    answers: list[Answer]
    problems: Problems


class Memory:
    """Repeats readings. Between two repetitions, `forget_others` drops those that were not needed any more.

    It compares what Redis sends, so it is right whoever writes, and after a restart or a restored backup.
    """

    def __init__(self) -> None:
        self._runs: dict[Hashable, _Run[Any]] = {}
        self._used: set[Hashable] = set()

    def read(
        self, key: Hashable, reading: Callable[[Problems], Reading[T]], errors: Errors, now: float = 0.0
    ) -> Reading[T]:
        """Return the result of a reading, which may depend only on `key` and the replies.

        All that it asked last time is asked at once. It runs again only if one of the replies is another, and
        then asks only what is new. What it counts as unreadable is counted each time.

        Args:
            key: what is read.
            reading: starts it. Its commands are sent with `now` (Unix time) instead of NOW.
            errors: counts what is unreadable.
            now: see `reading`.
        """
        run = self._runs.get(key)
        asked = run.asked if run else {}
        answers = (yield [bundle.at(now) for bundle in asked.values()]) if asked else []
        if run is None or answers != run.answers:
            known = dict(zip(asked, zip(asked.values(), answers, strict=True), strict=True))
            run = yield from _run(reading, known, now)
        self._runs[key] = run
        self._used.add(key)
        run.problems.pass_to(errors)
        return run.result

    def forget_others(self) -> None:
        """Drop results that were not read since the last call."""
        self._runs = {key: run for key, run in self._runs.items() if key in self._used}
        self._used = set()


def _run(
    reading: Callable[[Problems], Reading[T]], known: dict[Step, tuple[Bundle, Answer]], now: float
) -> Reading[_Run[T]]:
    problems = Problems()
    steps = reading(problems)
    used: dict[Step, tuple[Bundle, Answer]] = {}
    replies: list[Any] | None = None
    try:
        while True:
            commands = steps.send(replies)  # type: ignore[arg-type]
            parts = _parts(len(used), commands)
            new = {part: Bundle(part[1]) for part in parts if part not in known}
            if new:
                answers = yield [bundle.at(now) for bundle in new.values()]
                known |= {part: (new[part], answer) for part, answer in zip(new, answers, strict=True)}
            used |= {part: known[part] for part in parts}
            replies = [reply for part in parts for reply in _replies(known[part][1])]
    except StopIteration as end:
        asked = {step: bundle for step, (bundle, _) in used.items()}
        return _Run(end.value, asked, [answer for _, answer in used.values()], problems)


def _parts(number: int, commands: Sequence[Any]) -> list[Step]:
    """Divide the commands of a step, so that Redis serves other clients in between."""
    starts = range(0, len(commands), CHUNK)
    return [(number + place, tuple(commands[start : start + CHUNK])) for place, start in enumerate(starts)]


def _replies(answer: Answer) -> Iterable[Any]:
    """Return the replies; None for an error, which is counted where it is received."""
    return (None if isinstance(reply, ResponseError) else reply for _, reply in answer.replies())


def grouped(names: Iterable[N], size: int, text: Callable[[N], bytes]) -> list[tuple[N, ...]]:
    """Divide names into groups of about `size`, by themselves: a new name changes only one group."""
    all_names = [*names]
    groups: dict[int, list[N]] = defaultdict(list)
    spread = 1 << (len(all_names) // size).bit_length()
    for name in all_names:
        groups[crc32(text(name)) % spread].append(name)
    return [tuple(group) for group in groups.values()]
