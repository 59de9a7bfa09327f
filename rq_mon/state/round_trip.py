"""Many commands in one round trip, without keeping Redis from its other clients."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from redis import Redis

from rq_mon.state.replies import Replies, parsed

Command = tuple[str | bytes | float, ...]

CHUNK = 100
"""This many commands cost Redis well under a millisecond."""


MAY_BE_ERROR = re.compile(rb"(?:^|\n)[-!]")
"""An error begins with one of these; so may a line in a value."""


class Answer:
    """What Redis sent for a bundle; the same object as long as it sends the same, byte by byte."""

    def __init__(self, raw: bytes, commands: Sequence[Command]) -> None:
        self.raw = raw
        self._commands = commands
        self.made: dict[Any, Any] = {}
        """What was made of it, by whoever made it."""
        self.errors = [*self._errors()] if MAY_BE_ERROR.search(raw) else []

    def _errors(self) -> Iterator[tuple[Command, Exception]]:
        for command, reply in self.replies():
            if isinstance(reply, Exception):
                yield command, reply

    def replies(self) -> Iterator[tuple[Command, Any]]:
        """Parse the replies: it takes long, and what it returns takes much memory."""
        return zip(self._commands, parsed(self.raw, len(self._commands)), strict=True)


class Bundle:
    """Commands that are sent again and again: they are written once, and parsed only when replies change."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self.commands = tuple(commands)
        self.packed = _packed(self.commands)
        self._answer: Answer | None = None

    def answer(self, raw: bytes) -> Answer:
        """Return what these replies say."""
        if self._answer is None or self._answer.raw != raw:
            self._answer = Answer(raw, self.commands)
        return self._answer


Asked = Command | Bundle


def round_trip(client: Redis, asked: Sequence[Asked], deadline: float) -> list[Any]:
    """Send all commands and return their replies as they came, errors among them; an Answer for a bundle.

    Redis executes all that it finds of a client's commands, some 700, before it turns to the next client. So
    they are handed to it in chunks, and replies are parsed between two of them, where they are there already:
    that gives Redis the time to keep up, and takes none. Nothing waits for a reply before all is sent.

    Redis.pipeline() sends all at once, takes up to half as long again, and knows no deadline for the whole.

    Raises:
        TimeoutError: `deadline` (time.monotonic) passed before the last reply.
        RedisError: Redis could not be reached, or did not answer.
    """
    connection = client.connection_pool.get_connection()
    mark = os.urandom(16).hex().encode()  # nothing in Redis can look like it
    end_of_bundle, echoed = _packed([("PING", mark)]), b"$%d\r\n%b\r\n" % (len(mark), mark)
    try:
        replies = Replies(connection, deadline)
        received: list[Any] = []
        sent = 0
        for chunk in _chunks(asked):
            packed = _packed(chunk, end_of_bundle)
            connection.send_packed_command([packed], check_health=False)
            if sent > len(received) and replies.has_begun():
                received += _received(replies, asked[len(received) : sent], echoed)
            sent += len(chunk)
        return received + _received(replies, asked[len(received) :], echoed)
    except BaseException:
        connection.disconnect()  # unread replies must not be taken for those of the next commands
        raise
    finally:
        client.connection_pool.release(connection)


def _chunks(asked: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    start = commands = 0
    for place, each in enumerate(asked, 1):
        commands += len(each.commands) if isinstance(each, Bundle) else 1
        if commands >= CHUNK:
            yield asked[start:place]
            start, commands = place, 0
    if start < len(asked):
        yield asked[start:]


def _received(replies: Replies, asked: Iterable[Asked], echoed: bytes) -> list[Any]:
    received: list[Any] = []
    for kind, run in groupby(asked, type):
        if kind is Bundle:
            received += [each.answer(replies.until(echoed)) for each in run if isinstance(each, Bundle)]
        else:
            received += replies.next(len([*run]))
    return received


def _packed(asked: Iterable[Asked], end_of_bundle: bytes = b"") -> bytes:
    """Write commands as RESP has it; redis-py, which takes arguments of any type, needs twice the time."""
    known: dict[str, bytes] = {}  # names of commands and fields come again and again
    written: list[bytes] = []
    for command in asked:
        if isinstance(command, Bundle):
            written += command.packed, end_of_bundle
            continue
        written.append(b"*%d\r\n" % len(command))
        for part in command:
            if isinstance(part, bytes):
                written.append(_argument(part))
            else:
                text = part if isinstance(part, str) else str(part)
                written.append(known.get(text) or known.setdefault(text, _argument(text.encode())))
    return b"".join(written)


def _argument(part: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(part), part)
