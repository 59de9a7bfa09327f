from __future__ import annotations

import functools
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rq_mon.calls.functions import function_path, function_reference
from rq_mon.calls.serializers import PICKLE
from tests.harness import jobs


def test_a_function_is_stored_as_its_dotted_path() -> None:
    assert function_reference(jobs.add, PICKLE) == "tests.harness.jobs.add"


def test_accepts_a_dotted_path() -> None:
    assert function_reference("json.dumps", PICKLE) == "json.dumps"


def test_accepts_builtins_and_static_methods() -> None:
    assert function_reference(len, PICKLE) == "builtins.len"
    assert function_reference(jobs.Counter.zero, PICKLE) == "tests.harness.jobs.Counter.zero"


def test_accepts_a_path_into_code_that_only_workers_have() -> None:
    assert function_reference("workers_only.tasks.send", PICKLE) == "workers_only.tasks.send"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (jobs.Counter(3).plus, "tests.harness.jobs.Counter.plus"),
        (jobs.Counter.name, "tests.harness.jobs.Counter.name"),
        (jobs.Counter(3), "tests.harness.jobs.Counter.__call__"),
    ],
)
def test_methods_and_callable_objects_are_stored_themselves(method: Callable[..., Any], path: str) -> None:
    assert function_reference(method, PICKLE) is method
    assert function_path(method) == path


def nested() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


class Unpicklable:
    def __init__(self) -> None:
        self.lock = threading.Lock()

    def method(self) -> None: ...


def local_instance() -> Any:
    class Local:
        def method(self) -> None: ...

    return Local()


def shadowed() -> None: ...


original = shadowed


def shadowed() -> None: ...  # type: ignore[no-redef]


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda: None, ValueError, "got a lambda"),
        (nested(), ValueError, "got the nested"),
        (local_instance().method, ValueError, "got the nested"),
        (Unpicklable().method, TypeError, "cannot pickle"),
        (original, ValueError, "gives"),
        (functools.partial(jobs.add, 1), TypeError, "partial"),
        (jobs.Counter, TypeError, "expected a function"),
        (3, TypeError, "got 3"),
        (None, TypeError, "got None"),
        ("", ValueError, "got ''"),
        ("json", ValueError, "got 'json'"),
        ("json.no_such_function", ValueError, "got 'json.no_such_function'"),
        ("json.no_such_module.function", ValueError, "got 'json.no_such_module.function'"),
        ("json.decoder", TypeError, "'json.decoder' to name a function"),
        ("not a path!", ValueError, "got 'not a path!'"),
    ],
)
def test_a_function_that_no_worker_can_import_is_refused(
    function: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        function_reference(function, PICKLE)

    assert str(raised.value).startswith("function: ")


def test_a_function_of_main_is_refused_unless_it_runs_in_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exec("def local(): ...", vars(sys.modules["__main__"]))
    local = vars(sys.modules["__main__"])["local"]

    for function in (local, "__main__.local"):
        with pytest.raises(ValueError, match="module that workers can import"):
            function_reference(function, PICKLE)
        assert function_reference(function, PICKLE, same_process=True) == "__main__.local"


def test_a_wrapped_function_is_stored_under_the_name_of_the_original() -> None:
    assert function_reference(json.dumps, PICKLE) == "json.dumps"
