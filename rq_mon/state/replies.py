"""Reads replies of Redis from a connection's socket, several times as fast as redis-py does.

A large scrape reads a hundred thousand replies, and redis-py calls four functions for each. redis-py still
connects, logs in and names errors.
"""

from __future__ import annotations

import time
from socket import socket
from ssl import SSLWantReadError
from typing import Any

from redis.connection import AbstractConnection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

RECEIVED_AT_ONCE = 1 << 20
END = b"\r\n"
BULK, INTEGER = ord("$"), ord(":")


class _NotYetError(Exception):
    """Nothing has arrived, and we do not wait."""


def _error(text: bytes) -> Exception:
    """Return the error of a single command; raise errors about all commands, such as: Redis is loading."""
    error: Exception = DefaultParser.parse_error(text.decode(errors="replace"))  # type: ignore[no-untyped-call]
    if isinstance(error, RedisConnectionError):
        raise error
    return error


class _Parser:
    """Parses the bytes in its buffer."""

    def __init__(self, buffer: bytes = b"") -> None:
        self._buffer = buffer
        self._place = 0

    def next(self, number: int) -> list[Any]:
        """Return this number of replies. Errors of single commands are returned as replies.

        Raises:
            RedisError: Redis is gone, not ready, or silent for as long as the client waits.
        """
        replies: list[Any] = []
        while len(replies) < number:
            replies += self._simple(number - len(replies)) or [self._parse()]
        return replies

    def _wait(self) -> None:
        """Read more bytes into the buffer."""
        raise InvalidResponse(f"an incomplete reply: {self._buffer[self._place :][:50]!r}")

    def _line(self) -> bytes:
        while (end := self._buffer.find(END, self._place)) < 0:
            self._wait()
        line = self._buffer[self._place : end]
        self._place = end + 2
        return line

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        while len(self._buffer) < self._place + length + 2:
            self._wait()
        start = self._place
        self._place = start + length + 2
        return self._buffer[start : start + length]

    def _parse(self) -> Any:
        line = self._line()
        kind, rest = line[:1], line[1:]
        match kind:
            case b"$":
                return self._bulk(int(rest))
            case b":" | b"(":
                return int(rest)
            case b"*" | b"~":
                return None if int(rest) < 0 else self.next(int(rest))
            case b"%":
                flat = self.next(2 * int(rest))
                return dict(zip(flat[::2], flat[1::2], strict=True))
            case b"+":
                return rest
            case b"-":
                return _error(rest)
            case b"!":
                return _error(self._bulk(int(rest)) or b"")
            case b"_":
                return None
            case b",":
                return float(rest)
            case b"#":
                return rest == b"t"
            case b"=":
                return (self._bulk(int(rest)) or b"")[4:]
            case b">":  # push messages
                self.next(int(rest))
                return self._parse()
        raise InvalidResponse(f"Protocol Error: {line[:50]!r}")

    def _simple(self, number: int) -> list[bytes | int]:
        """Return consecutive strings and integers that have arrived, at most `number`."""
        buffer, place = self._buffer, self._place
        found: list[bytes | int] = []
        for _ in range(number):
            end = buffer.find(END, place)
            if end < 0:
                break
            kind, value = buffer[place], buffer[place + 1 : end]
            if kind == BULK:
                length = int(value)
                start, after = end + 2, end + 4 + length
                if length < 0 or after > len(buffer):  # nil, or not complete yet
                    break
                found.append(buffer[start : after - 2])
                place = after
            elif kind == INTEGER:
                found.append(int(value))
                place = end + 2
            else:
                break
        self._place = place
        return found


class Replies(_Parser):
    """The bytes that Redis sends on a connection without unread data, until `deadline` (time.monotonic).

    Reading raises TimeoutError after the deadline, and RedisError.
    """

    def __init__(self, connection: AbstractConnection, deadline: float) -> None:
        super().__init__()
        self._socket: socket = connection._sock  # type: ignore[attr-defined,unused-ignore,assignment]
        self._deadline = deadline

    def has_begun(self) -> bool:
        """Return whether unread bytes have arrived; does not wait."""
        if self._place == len(self._buffer):
            timeout = self._socket.gettimeout()
            self._socket.settimeout(0)
            try:
                self._wait()
            except _NotYetError:
                pass
            finally:
                self._socket.settimeout(timeout)
        return self._place < len(self._buffer)

    def until(self, mark: bytes) -> bytes:
        """Return all bytes before `mark`, and continue after it.

        Raises an error about all commands: then Redis does not send the mark either.
        """
        searched = 0
        while (found := self._buffer.find(mark, self._place + searched)) < 0:
            if (
                self._buffer.startswith(b"-", self._place)
                and (end := self._buffer.find(END, self._place)) > 0
            ):
                _error(self._buffer[self._place + 1 : end])
            searched = max(0, len(self._buffer) - self._place - len(mark))
            self._wait()
        raw = self._buffer[self._place : found]
        self._place = found + len(mark)
        return raw

    def _wait(self) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError("Redis did not answer all commands within the time of a scrape")
        try:
            received = self._socket.recv(RECEIVED_AT_ONCE)
        except (BlockingIOError, SSLWantReadError) as error:
            raise _NotYetError from error
        except TimeoutError as error:
            raise RedisTimeoutError("Redis does not answer") from error
        except OSError as error:
            raise RedisConnectionError(f"Error while reading from Redis: {error}") from error
        if not received:
            raise RedisConnectionError("Connection closed by server.")
        self._buffer = self._buffer[self._place :] + received
        self._place = 0


def parsed(raw: bytes, number: int) -> list[Any]:
    """Parse this number of replies. Errors of single commands are returned as replies.

    Raises:
        RedisError: Redis is not ready, or the bytes are something else.
    """
    return _Parser(raw).next(number)
