"""Writes commands in RESP, Redis' protocol, in half of the time that redis-py takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis._parsers import Encoder
from redis.connection import PythonRespSerializer

LONGEST_COPIED = 6000
"""Bytes of an argument up to which it is copied into the command, as in redis-py."""

_encoder: Any = Encoder("utf-8", "strict", decode_responses=False)  # type: ignore[no-untyped-call]
_redis_py: Any = PythonRespSerializer(LONGEST_COPIED, _encoder.encode)


class Packer:
    """Packs what RQ and this package send: short text, bytes and numbers. The rest is left to redis-py."""

    def pack(self, *arguments: Any) -> Sequence[Any]:
        """Return the pieces of a command; for redis-py's `command_packer`.

        Raises:
            redis.DataError: an argument is neither text, bytes nor a number.
        """
        name = arguments[0]
        if (b" " if isinstance(name, bytes) else " ") in name:  # two words, such as CONFIG GET
            arguments = (*name.split(), *arguments[1:])
        written = b"*%d\r\n" % len(arguments)
        for argument in arguments:
            if isinstance(argument, str):
                data = argument.encode()
            elif isinstance(argument, bytes):
                data = argument
            elif type(argument) is int or type(argument) is float:
                data = repr(argument).encode()
            else:
                return _redis_pys_own(arguments)
            if len(data) > LONGEST_COPIED:
                return _redis_pys_own(arguments)
            written += b"$%d\r\n%b\r\n" % (len(data), data)
        return (written,)


def _redis_pys_own(arguments: Sequence[Any]) -> Sequence[Any]:
    pieces: Sequence[Any] = _redis_py.pack(*arguments)
    return pieces
