"""Many commands in one round trip, without keeping Redis from its other clients."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import ResponseError

Command = tuple[str | bytes | float, ...]

CHUNK = 100
"""So many commands cost Redis well under a millisecond."""


def round_trip(client: Redis, commands: Sequence[Command], deadline: float) -> list[Any]:
    """Send all commands and return their replies as they came, errors among them.

    Redis executes all that it finds of a client's commands, some 700, before it turns to the next client. So
    they are handed to it in chunks, and replies are parsed between two of them, where they are there already:
    that gives Redis the time to keep up, and takes none. Nothing waits for a reply before all is sent.

    Redis.pipeline() sends all at once, takes up to half as long again, and knows no deadline for the whole.

    Raises:
        TimeoutError: `deadline` (time.monotonic) passed before the last reply.
        RedisError: Redis could not be reached, or did not answer.
    """
    connection = client.connection_pool.get_connection()
    try:
        replies: list[Any] = []
        for sent in range(0, len(commands), CHUNK):
            packed = b"".join(map(_packed, commands[sent : sent + CHUNK]))
            connection.send_packed_command([packed], check_health=False)
            if len(replies) < sent and connection.can_read(timeout=0):
                replies += _replies(connection, CHUNK, deadline)
        return replies + _replies(connection, len(commands) - len(replies), deadline)
    except BaseException:
        connection.disconnect()  # replies that nobody reads must not be taken for those of the next commands
        raise
    finally:
        client.connection_pool.release(connection)


def _packed(command: Command) -> bytes:
    """Write a command as RESP has it; redis-py, which takes arguments of any type, needs twice the time."""
    arguments = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    return b"*%d\r\n" % len(arguments) + b"".join([b"$%d\r\n%b\r\n" % (len(a), a) for a in arguments])


def _replies(connection: AbstractConnection, number: int, deadline: float) -> list[Any]:
    return [_reply(connection, deadline) for _ in range(number)]


def _reply(connection: AbstractConnection, deadline: float) -> Any:
    if time.monotonic() > deadline:
        raise TimeoutError("Redis did not answer everything in the time that a scrape has")
    try:
        return connection.read_response()  # type: ignore[no-untyped-call]
    except ResponseError as error:
        return error
