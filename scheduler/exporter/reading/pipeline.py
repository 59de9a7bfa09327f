"""Several readings at once: a scrape costs as many round trips as its longest reading has steps."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ResponseError

from scheduler.exporter.errors import Errors, Theme

T = TypeVar("T")

Command = tuple[str | bytes | float, ...]
Reading = Generator[Sequence[Command], Sequence[Any], T]
"""Yields the commands of one step, is sent their replies, and in the end returns facts.

A reply is None where the key holds a foreign type; that is already counted then.
"""


def read_together(
    connection: Redis, readings: Mapping[Theme, Reading[Any]], errors: Errors, deadline: float
) -> dict[Theme, Any]:
    """Return what each reading found.

    Redis serves other clients in the midst of a pipeline, whatever its length: it takes no more commands at
    a time than fit its 16 kB read buffer. So only single commands must be short.

    Raises:
        TimeoutError: `deadline` (time.monotonic) passed before the last step.
        RedisError: Redis could not be reached, or refused a command for another reason than a key's type.
    """
    found: dict[Theme, Any] = {}
    steps: dict[Theme, Sequence[Command]] = {}
    replies: dict[Theme, Sequence[Any] | None] = dict.fromkeys(readings)
    while True:
        steps.clear()
        for theme, reply in replies.items():
            try:
                # The first send starts the generator.
                steps[theme] = readings[theme].send(reply)  # type: ignore[arg-type]
            except StopIteration as end:
                found[theme] = end.value
        if not steps:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError("Redis is too slow: a scrape's time was over before its last step")
        replies = _round_trip(connection, steps, errors)


def _round_trip(
    connection: Redis, steps: Mapping[Theme, Sequence[Command]], errors: Errors
) -> dict[Theme, Sequence[Any] | None]:
    with connection.pipeline(transaction=False) as pipeline:
        for commands in steps.values():
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        replies = iter(pipeline.execute(raise_on_error=False))
    return {
        theme: [_checked(next(replies), command, theme, errors) for command in commands]
        for theme, commands in steps.items()
    }


def _checked(reply: Any, command: Command, theme: Theme, errors: Errors) -> Any:
    if not isinstance(reply, ResponseError):
        return reply
    if not str(reply).startswith("WRONGTYPE"):
        raise reply
    errors.count(theme, f"{command[1]!r} does not hold what RQ or this package keeps there")
    return None
