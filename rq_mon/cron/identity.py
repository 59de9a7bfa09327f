"""Ids of cron jobs. A derived id is the same in every process, and does not depend on the schedule."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,150}")
"""RQ's rule for job ids, which begin with the id of their cron job."""

LITERALS = (type(None), bool, int, float, complex, str, bytes)


def check_id(cron_job_id: object) -> str:
    """Return `cron_job_id` if RQ's job ids can begin with it."""
    if not isinstance(cron_job_id, str):
        raise TypeError(f"id: expected a string, got {cron_job_id!r}")
    if not ID_PATTERN.fullmatch(cron_job_id):
        raise ValueError(f"id: expected 1 to 150 letters, digits, '-' and '_', got {cron_job_id!r}")
    return cron_job_id


def shown_id(raw_id: bytes) -> str:
    r"""Return an id from Redis as text; a byte that is not UTF-8 becomes its escape, such as \xff."""
    return raw_id.decode(errors="backslashreplace")


class _OtherTypeError(TypeError):
    """No id can be derived from a value; the message is its type."""


def derived_id(
    name: str,
    function: object,
    queue_name: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    argument_names: tuple[str, str] = ("args", "kwargs"),
) -> str:
    """Return an id from the function's name, queue and arguments.

    The schedule is not part of it: a cron job with a new schedule stays the same cron job.

    Raises:
        ValueError: an argument is not a literal, so that another process might derive another id. The message
            has the place of the argument, but not its value, which may be secret.
    """
    called = _checked("function", _canonical_function, function)
    for place, value in _places(args, kwargs, argument_names):
        _checked(place, _canonical, value)
    identity = f"tuple({called},{_joined((queue_name, args, dict(kwargs)))})"
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name.rpartition(".")[2])[:100]
    return f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _places(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], names: tuple[str, str]
) -> Iterator[tuple[str, Any]]:
    for index, value in enumerate(args):
        yield f"{names[0]}[{index}]", value
    for name, value in kwargs.items():
        yield f"{names[1]}[{name!r}]", value


def _checked(place: str, canonical: Callable[[object], str], value: object) -> str:
    try:
        return canonical(value)
    except _OtherTypeError as error:
        reason = f"{place} is or holds an object of type {error}"
    except RecursionError:
        reason = f"{place} contains itself"
    raise ValueError(
        f"id: expected one, since {reason}; an id can be derived only from None, numbers, texts, bytes, and"
        " lists, tuples, sets and dicts of these. `rqmon cron list` shows the id of a cron job that is"
        " registered already"
    )


def _canonical(value: object) -> str:
    """Return text that is equal for equal values in every process.

    A pickle is not: it depends on the order of sets and on which equal objects are one.
    """
    kind = type(value)
    if kind in LITERALS:
        return repr(value)
    if kind in (list, tuple):
        return f"{kind.__name__}({_joined(value)})"  # type: ignore[arg-type]
    if kind in (set, frozenset):
        return f"{kind.__name__}({','.join(sorted(map(_canonical, value)))})"  # type: ignore[call-overload]
    if kind is dict:
        return f"dict({','.join(sorted(map(_canonical, value.items())))})"  # type: ignore[attr-defined]
    raise _OtherTypeError(f"{kind.__module__}.{kind.__qualname__}")


def _canonical_function(function: object) -> str:
    """Return the name of a function; for a bound method its instance counts like an argument."""
    if inspect.ismethod(function) and inspect.isclass(owner := function.__self__):
        path = f"{owner.__module__}.{owner.__qualname__}"
        return f"object(builtins.getattr,tuple({path},{function.__name__!r}))"
    owner = function.__self__ if inspect.ismethod(function) else function
    return _canonical(owner)


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(_canonical, values))
