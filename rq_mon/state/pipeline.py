"""Several readings at once: a scrape costs as many round trips as its longest reading has steps."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ResponseError

from rq_mon.state.errors import Errors, Theme
from rq_mon.state.round_trip import Command, round_trip

T = TypeVar("T")

Reading = Generator[Sequence[Command], Sequence[Any], T]
"""Yields the commands of one step, is sent their replies as Redis gives them, and in the end returns facts.

A reply is None where the key holds a foreign type; that is already counted then.
"""


def read_together(
    connection: Redis, readings: Mapping[Theme, Reading[Any]], errors: Errors, deadline: float
) -> dict[Theme, Any]:
    """Return what each reading found.

    Raises:
        TimeoutError: `deadline` (time.monotonic) passed before the last reply.
        RedisError: Redis could not be reached, or refused a command for another reason than a key's type.
    """
    found: dict[Theme, Any] = {}
    replies: dict[Theme, Sequence[Any] | None] = dict.fromkeys(readings)
    while True:
        steps: dict[Theme, Sequence[Command]] = {}
        for theme, reply in replies.items():
            try:
                # The first send starts the generator.
                steps[theme] = readings[theme].send(reply)  # type: ignore[arg-type]
            except StopIteration as end:
                found[theme] = end.value
        if not steps:
            return found
        received = iter(round_trip(connection, [*chain.from_iterable(steps.values())], deadline))
        replies = {
            theme: [_checked(next(received), command, theme, errors) for command in commands]
            for theme, commands in steps.items()
        }


def _checked(reply: Any, command: Command, theme: Theme, errors: Errors) -> Any:
    if not isinstance(reply, ResponseError):
        return reply
    if not str(reply).startswith("WRONGTYPE"):
        raise reply
    errors.count(theme, f"{command[1]!r} does not hold what RQ or this package keeps there")
    return None
