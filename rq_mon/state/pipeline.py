"""Runs several readings together: a scrape takes as many round trips as its longest reading has steps."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from rq_mon.state.errors import Errors, Theme
from rq_mon.state.round_trip import Asked, Bundle, Command, round_trip

K = TypeVar("K")
T = TypeVar("T")

TIME: Command = ("TIME",)
"""Redis' TIME. The reply is None if the user has no right to it, which is counted."""

Reading = Generator[Sequence[Asked], Sequence[Any], T]
"""A generator: yields the commands of a step, gets their replies, and finally returns facts.

A reply is None if the key has a wrong type, which is already counted. For a bundle it is an Answer, whose
errors about wrong types are counted, too.
"""


def read_together(
    connection: Redis, readings: Mapping[Theme, Reading[Any]], errors: Errors, deadline: float
) -> dict[Theme, Any]:
    """Return the result of each reading.

    Raises:
        TimeoutError: `deadline` (time.monotonic) passed before the last reply.
        RedisError: Redis could not be reached, or refused a command for another reason than a key's type.
    """
    found: dict[Theme, Any] = {}
    replies: Mapping[Theme, Sequence[Any] | None] = dict.fromkeys(readings)
    while steps := _next_steps(readings, replies, found):
        received = iter(round_trip(connection, [*chain.from_iterable(steps.values())], deadline))
        replies = {
            theme: [_checked(next(received), command, theme, errors) for command in commands]
            for theme, commands in steps.items()
        }
    return found


def side_by_side(*readings: Reading[Any]) -> Reading[tuple[Any, ...]]:
    """Combine readings into one, with as many steps as the longest of them."""
    numbered = dict(enumerate(readings))
    found: dict[int, Any] = {}
    replies: Mapping[int, Sequence[Any] | None] = dict.fromkeys(numbered)
    while steps := _next_steps(numbered, replies, found):
        received = iter((yield [*chain.from_iterable(steps.values())]))
        replies = {number: [*islice(received, len(commands))] for number, commands in steps.items()}
    return tuple(found[number] for number in numbered)


def fair_share(owners: int, at_most: int, in_all: int) -> int:
    """Return each owner's share of `in_all`: at least 1, and at most `at_most`."""
    return max(1, min(at_most, in_all // max(owners, 1)))


def _next_steps(
    readings: Mapping[K, Reading[Any]], replies: Mapping[K, Sequence[Any] | None], found: dict[K, Any]
) -> dict[K, Sequence[Asked]]:
    """Send the replies to the readings (None starts one), and return their next commands."""
    steps: dict[K, Sequence[Asked]] = {}
    for key, reply in replies.items():
        try:
            steps[key] = readings[key].send(reply)  # type: ignore[arg-type]
        except StopIteration as end:
            found[key] = end.value
    return steps


def _checked(reply: Any, command: Asked, theme: Theme, errors: Errors) -> Any:
    if isinstance(command, Bundle):
        for its_command, error in reply.errors:
            _checked(error, its_command, theme, errors)
        return reply
    if not isinstance(reply, ResponseError):
        return reply
    if str(reply).startswith("WRONGTYPE"):
        errors.count(theme, f"{command[1]!r} has a value that neither RQ nor this package wrote")
    elif command == TIME and isinstance(reply, NoPermissionError):
        errors.count(theme, f"using this machine's clock to count live cron schedulers: {reply}")
    else:
        raise reply
    return None
