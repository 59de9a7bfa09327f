"""Several readings at once: a scrape costs as many round trips as its longest reading has steps."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import ResponseError

from scheduler.exporter.errors import Errors, Theme

T = TypeVar("T")

Command = tuple[str | bytes | float, ...]
Reading = Generator[Sequence[Command], Sequence[Any], T]
"""Yields the commands of one step, is sent their replies as Redis gives them, and in the end returns facts.

A reply is None where the key holds a foreign type; that is already counted then.
"""


def read_together(
    connection: Redis, readings: Mapping[Theme, Reading[Any]], errors: Errors, deadline: float
) -> dict[Theme, Any]:
    """Return what each reading found.

    Redis serves other clients in the midst of a pipeline, whatever its length: it takes no more commands at
    a time than fit its 16 kB read buffer. So only single commands must be short.

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
        received = iter(_round_trip(connection, [*chain.from_iterable(steps.values())], deadline))
        replies = {
            theme: [_checked(next(received), command, theme, errors) for command in commands]
            for theme, commands in steps.items()
        }


def _round_trip(client: Redis, commands: Sequence[Command], deadline: float) -> list[Any]:
    """Send all commands at once and return their replies as they came, errors among them.

    Redis.pipeline() takes up to half as long again, and knows no deadline for the whole.
    """
    connection = client.connection_pool.get_connection()
    try:
        connection.send_packed_command([b"".join(map(_packed, commands))], check_health=False)
        return [_reply(connection, deadline) for _ in commands]
    except BaseException:
        connection.disconnect()  # replies that nobody reads must not be taken for those of the next commands
        raise
    finally:
        client.connection_pool.release(connection)


def _packed(command: Command) -> bytes:
    """Write a command as RESP has it; redis-py, which takes arguments of any type, needs twice the time."""
    arguments = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    return b"*%d\r\n" % len(arguments) + b"".join([b"$%d\r\n%b\r\n" % (len(a), a) for a in arguments])


def _reply(connection: AbstractConnection, deadline: float) -> Any:
    if time.monotonic() > deadline:
        raise TimeoutError("Redis did not answer everything in the time that a scrape has")
    try:
        return connection.read_response()  # type: ignore[no-untyped-call]
    except ResponseError as error:
        return error


def _checked(reply: Any, command: Command, theme: Theme, errors: Errors) -> Any:
    if not isinstance(reply, ResponseError):
        return reply
    if not str(reply).startswith("WRONGTYPE"):
        raise reply
    errors.count(theme, f"{command[1]!r} does not hold what RQ or this package keeps there")
    return None
