"""Checks of callers' arguments. Each raises before anything is written, and names argument and value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from numbers import Real
from typing import Any, TypeVar

from rq.exceptions import TimeoutFormatError
from rq.utils import parse_timeout

from rq_mon.calls.serializers import Format, reason_of

T = TypeVar("T")

LONGEST_TIME_DELTA = timedelta(days=100 * 365)
"""Dates end with the year 9999. A longer delay than this is a mistake in the unit."""

NO_TIMEOUT = -1
"""RQ's value for a job without a timeout."""


def check_choice(argument: str, value: object, choices: Sequence[T]) -> T:
    """Return `value` if it is one of `choices`."""
    for choice in choices:
        if value == choice:
            return choice
    close = get_close_matches(str(value), map(str, choices), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{argument}: expected one of {', '.join(map(str, choices))}; got {value!r}{hint}")


def check_queue_name(name: object) -> str:
    """Return `name` if RQ can use it: RQ joins the queue names of a worker with commas."""
    if not isinstance(name, str):
        raise TypeError(f"queue_name: expected a string, got {name!r}")
    if not name.strip() or "," in name:
        raise ValueError(f"queue_name: expected a name without commas, got {name!r}")
    return _check_text("queue_name", name)


def check_timeout(timeout: object, argument: str = "job_timeout") -> int:
    """Return the whole seconds that RQ reads `timeout` as: above 0, or -1 for no limit."""
    if type(timeout) is int and timeout > 0:
        return timeout
    expected = (
        f"{argument}: expected seconds above 0, text such as '3m' or '2h', or {NO_TIMEOUT} for no limit"
    )
    if not isinstance(timeout, (Real, str)) or isinstance(timeout, bool):
        raise TypeError(f"{expected}; got {timeout!r}")
    try:
        seconds = parse_timeout(timeout)  # type: ignore[arg-type]
    except (TimeoutFormatError, ValueError, OverflowError, AssertionError) as error:
        raise ValueError(f"{expected}; got {timeout!r}") from error
    if seconds is None or (seconds <= 0 and seconds != NO_TIMEOUT):
        raise ValueError(f"{expected}; got {timeout!r}")
    return seconds


def check_time_delta(time_delta: object) -> timedelta:
    """Return `time_delta` if it is not negative and leads to a valid date."""
    if not isinstance(time_delta, timedelta):
        raise TypeError(f"time_delta: expected a datetime.timedelta, got {time_delta!r}")
    if time_delta < timedelta(0):
        raise ValueError(f"time_delta: expected at least 0, got {time_delta!r}")
    if time_delta > LONGEST_TIME_DELTA:
        raise ValueError(f"time_delta: expected at most {LONGEST_TIME_DELTA.days} days, got {time_delta!r}")
    return time_delta


def check_description(description: object) -> str | None:
    """Return `description` if it is text or None."""
    if description is not None and not isinstance(description, str):
        raise TypeError(f"description: expected a string or None, got {description!r}")
    return description and _check_text("description", description)


def _check_text(argument: str, text: str) -> str:
    """Return `text` if Redis can store it: Python's strings may contain half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{argument}: expected text that UTF-8 can encode, got {text!r}") from error
    return text


def check_seconds(seconds: object, argument: str) -> float:
    """Return `seconds` if it is a finite number of at least 0."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{argument}: expected a number of seconds, got {seconds!r}")
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{argument}: expected a finite number of seconds of at least 0, got {seconds!r}")
    return seconds


def check_call_arguments(
    args: object,
    kwargs: object,
    format_: Format,
    names: tuple[str, str] = ("function_args", "function_kwargs"),
    *,
    same_process: bool = False,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a job's function, after checking that a worker can read them.

    Raises:
        TypeError: not a sequence or mapping, or this format cannot store one of them. The message gives
            the place of that argument, but not its value, which may be secret.
    """
    args_name, kwargs_name = names
    if args is not None and (not isinstance(args, Sequence) or isinstance(args, (str, bytes))):
        raise TypeError(f"{args_name}: expected a tuple or list, got {type(args).__name__}")
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise TypeError(f"{kwargs_name}: expected a mapping, got {type(kwargs).__name__}")
    positional, named = tuple(args or ()), dict(kwargs or {})
    for name in named:
        if not isinstance(name, str):
            raise TypeError(f"{kwargs_name}: expected strings as keys, got {name!r}")
    has_any = positional or named
    if has_any and format_.error((positional, named), same_process=same_process) is not None:
        for index, value in enumerate(positional):
            check_serializable(value, format_, f"{args_name}[{index}]", same_process=same_process)
        for name, value in named.items():
            check_serializable(value, format_, f"{kwargs_name}[{name!r}]", same_process=same_process)
        check_serializable(
            (positional, named), format_, f"{args_name} and {kwargs_name}", same_process=same_process
        )
    return positional, named


def check_serializable(value: object, format_: Format, place: str, *, same_process: bool = False) -> None:
    """Raise TypeError if this format cannot store `value`; the message has its place, not its value."""
    error = format_.error(value, same_process=same_process)
    if error is not None:
        found = f"{type(value).__name__}: {reason_of(error)}"
        raise TypeError(f"{place}: expected a value that {format_.expected}, got {found}") from error
