"""Which functions a worker can run: those that it can import by name."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable
from typing import Any

from rq.utils import import_attribute, resolve_function_reference

from rq_mon.calls.job_function import read_function
from rq_mon.calls.serializers import PICKLE, Format, reason_of

Function = Callable[..., Any] | str
"""A function, or its dotted path."""


def function_reference(function: object, format_: Format, *, same_process: bool = False) -> Function:
    """Return `function` in the form that RQ takes: its dotted path, or itself if it is a bound method.

    Args:
        function: the function that a worker is to run.
        format_: the format in which the instance of a bound method would be stored.
        same_process: the job runs in this process, so `__main__` is the same module there.

    Raises:
        TypeError, ValueError: a worker could not import it; the message says why.
    """
    if isinstance(function, str):
        return _checked_path(function, same_process)
    if isinstance(function, functools.partial):
        raise TypeError(
            f"function: expected a function that can be imported, got {function!r};"
            " pass the function itself, and its arguments separately"
        )
    if inspect.isclass(function) or not callable(function):
        raise TypeError(f"function: expected a function or its dotted path, got {function!r}")
    if inspect.ismethod(function) or not hasattr(function, "__qualname__"):
        _check_owner(function, format_, same_process)
        return function
    return _path_of(function, same_process)


def function_path(function: Function) -> str:
    """Return the name of `function` for logs, descriptions and ids; metrics use the same name."""
    instance, name = resolve_function_reference(function)
    if instance is None:
        return name
    return read_function(PICKLE.serializer.dumps((name, instance, (), {})), None)


def _checked_path(path: str, same_process: bool) -> str:
    package, *rest = path.split(".")
    if not rest or not all(name.isidentifier() for name in (package, *rest)):
        raise ValueError(f"function: expected a dotted path such as package.module.function, got {path!r}")
    if package == "__main__" and not same_process:
        raise ValueError(f"function: expected a function in a module that workers can import, got {path!r}")
    if package not in sys.modules and importlib.util.find_spec(package) is None:
        return path  # code of the workers, which the caller need not have
    try:
        found = import_attribute(path)
    except Exception as error:  # the module may raise anything when it is imported
        raise ValueError(
            f"function: expected a dotted path that can be imported, got {path!r}: {error}"
        ) from error
    if not callable(found):
        raise TypeError(f"function: expected {path!r} to name a function, got {found!r}")
    return path


def _path_of(function: Callable[..., Any], same_process: bool) -> str:
    _check_importable(function, function, same_process)
    return f"{function.__module__}.{function.__qualname__}"


def _check_owner(function: Callable[..., Any], format_: Format, same_process: bool) -> None:
    """A bound method is stored with its instance, whose class the worker imports."""
    instance = getattr(function, "__self__", function)
    _check_importable(instance if inspect.isclass(instance) else type(instance), function, same_process)
    error = format_.error(instance, same_process=same_process)
    if error is not None:
        raise TypeError(
            f"function: expected a method of an object that {format_.expected}, got a method of"
            f" {type(instance).__name__}: {reason_of(error)}"
        )


def _check_importable(thing: Any, function: object, same_process: bool) -> None:
    module, name = thing.__module__, thing.__qualname__
    if name.endswith("<lambda>"):
        raise ValueError(f"function: expected a function that can be imported, got a lambda: {function!r}")
    if "<locals>" in name:
        raise ValueError(
            f"function: expected a function at the top level of a module, got the nested {function!r}"
        )
    if module == "__main__" and not same_process:
        raise ValueError(
            f"function: expected a function in a module that workers can import, {function!r} is in __main__"
        )
    try:
        found = import_attribute(f"{module}.{name}")
    except ValueError as error:
        raise ValueError(f"function: {module}.{name} cannot be imported: {error}") from error
    if found is not thing:
        raise ValueError(f"function: importing {module}.{name} gives {found!r}, not {function!r}")
