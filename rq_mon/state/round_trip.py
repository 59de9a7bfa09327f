"""Sends many commands in one round trip, without blocking Redis for its other clients."""

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
"""Commands per chunk, which take Redis well under a millisecond."""


NOW = os.urandom(8).hex() + "-"
"""Stands for the current time in a bundle's commands; random, so that no name in Redis can look like it."""


def seconds_text(now: float) -> str:
    """Write a Unix time with microseconds, as long as NOW: Redis expects the length of an argument."""
    return f"{now:0{len(NOW)}.6f}"


MAY_BE_ERROR = re.compile(rb"(?:^|\n)[-!]")
"""First bytes of an error; a line in a value may begin with them, too."""


class Answer:
    """Redis' replies to a bundle; the same object as long as the bytes are the same."""

    def __init__(self, raw: bytes, commands: Sequence[Command]) -> None:
        self.raw = raw
        self._commands = commands
        self.made: dict[Any, Any] = {}
        """Values that callers derived from it, by their function."""
        self.errors = [*self._errors()] if MAY_BE_ERROR.search(raw) else []

    def _errors(self) -> Iterator[tuple[Command, Exception]]:
        for command, reply in self.replies():
            if isinstance(reply, Exception):
                yield command, reply

    def replies(self) -> Iterator[tuple[Command, Any]]:
        """Parse the replies. This is slow, and the result needs much memory."""
        return zip(self._commands, parsed(self.raw, len(self._commands)), strict=True)


class Bundle:
    """Commands that are sent repeatedly: written once, and parsed only when the replies change."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self.commands = tuple(commands)
        self.packed = self._written = _packed(self.commands)
        self._has_time = NOW.encode() in self._written
        self._answer: Answer | None = None

    def at(self, now: float) -> Bundle:
        """Put a Unix time where the commands say NOW."""
        if self._has_time:
            self.packed = self._written.replace(NOW.encode(), seconds_text(now).encode())
        return self

    def answer(self, raw: bytes) -> Answer:
        """Return the answer for these replies."""
        if self._answer is None or self._answer.raw != raw:
            self._answer = Answer(raw, self.commands)
        return self._answer


Asked = Command | Bundle


def round_trip(client: Redis, asked: Sequence[Asked], deadline: float) -> list[Any]:
    """Send all commands and return their replies, errors among them; an Answer for a bundle.

    Redis runs all buffered commands of a client, about 700, before it serves the next client. So commands are
    sent in chunks, and replies that have already arrived are parsed between chunks. This gives Redis time to
    keep up, and costs nothing. Nothing waits for a reply before everything is sent.

    Redis.pipeline() sends everything at once, takes up to half as long again, and has no deadline for the
    whole.

    Raises:
        TimeoutError: `deadline` (time.monotonic) passed before the last reply.
        RedisError: Redis could not be reached, or did not answer.
    """
    connection = client.connection_pool.get_connection()
    mark = os.urandom(16).hex().encode()  # random: no value in Redis can look like it
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
        connection.disconnect()  # the next commands must not get these unread replies
        raise
    finally:
        client.connection_pool.release(connection)


def _chunks(asked: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    start = commands = 0
    for place, each in enumerate(asked):
        number = len(each.commands) if isinstance(each, Bundle) else 1
        if commands and commands + number > CHUNK:
            yield asked[start:place]
            start, commands = place, 0
        commands += number
    if asked:
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
    """Write commands in RESP. redis-py, which takes arguments of any type, needs twice the time."""
    known: dict[str, bytes] = {}  # names of commands and fields repeat
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
