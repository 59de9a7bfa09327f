from __future__ import annotations

import math
import subprocess
import sys
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rq.job import validate_job_id

from rq_mon.cron.identity import check_id, derived_id
from tests.harness import jobs


class Colour(Enum):
    RED = 1


def id_of(*args: Any, function: Any = "package.function", queue: str = "queue", **kwargs: Any) -> str:
    return derived_id("package.function", function, queue, args, kwargs)


def test_an_id_begins_with_the_name_of_the_function() -> None:
    assert id_of().startswith("function-")
    validate_job_id(id_of())


def test_a_name_in_any_script_gives_an_id_that_rq_accepts() -> None:
    validate_job_id(derived_id("paket.größe", "paket.größe", "q", (), {}))


GOLDEN = [
    ("function-86b8a490332f", "package.function", "queue", (), {}),
    ("add-aaf54b588480", "tests.scheduler.jobs.add", "short-running", (1, 2), {}),
    ("add-a7f2ad399a3b", "tests.scheduler.jobs.add", "long-running", (1, 2), {}),
    ("send-91211cb8101f", "app.mail.send", "mail", ("ä € 'quoted\"",), {"b": 2, "a": b"\x00\xff"}),
    (
        "send-3218bc480fdf",
        "app.mail.send",
        "mail",
        (None, True, False, -7, 10**40, 1.5, -0.0, math.inf, 1e-7, 2 + 3j),
        {},
    ),
    (
        "send-8ec0bbeac3c8",
        "app.mail.send",
        "mail",
        ([1, [2, (3,)]], {"k": {"z": 1, "a": [None]}}, {3, 1, 2}, frozenset({"b", "a"})),
        {},
    ),
    ("send-9d261271b131", "app.mail.send", "mail", ((), [], {}, set(), frozenset(), "", b""), {"x": ()}),
    ("gr__e-fc785b3610ed", "app.mail.größe", "mail", ({1: 2, "1": 2, (1, 2): 3, None: 4},), {}),
    ("method-9ac2dd1a4328", "app.Class.method", "mail", ("it's", 'say "x"', "new\nline", "\x1b"), {}),
    (f"{'f' * 100}-f5309ee9752e", f"a.{'f' * 150}", "mail", (), {}),
]
"""Ids since the first version: a different id would add a second cron job."""


@pytest.mark.parametrize(("expected", "name", "queue", "args", "kwargs"), GOLDEN)
def test_ids_never_change_between_versions(
    expected: str, name: str, queue: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    assert derived_id(name, name, queue, args, kwargs) == expected


def test_the_id_of_a_class_method_never_changes_between_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    # The module of the class when its id was written down.
    monkeypatch.setattr(jobs.Counter, "__module__", "tests.scheduler.jobs")
    name = "tests.scheduler.jobs.Counter.name"

    assert derived_id(name, jobs.Counter.name, "mail", (1,), {}) == "name-2102e025f2ac"


LITERALS = (1, 1.0, True, None, "1", b"1", (1,), [1], {1}, frozenset({1}), {1: 2}, {1: 3}, {2: 2})


@pytest.mark.parametrize("value", [*LITERALS, [1, 2], [2, 1], "1, 2", ("a", "b"), ("ab",)])
def test_different_arguments_give_different_ids(value: object) -> None:
    others = [id_of(other) for other in (0, "other", None, 1) if repr(other) != repr(value)]

    assert id_of(value) not in others
    assert id_of(value) == id_of(value)
    assert id_of(value) != id_of(value, value)
    assert id_of(value) != id_of(name=value)


def test_all_kinds_of_arguments_give_different_ids() -> None:
    assert len({id_of(value) for value in LITERALS}) == len(LITERALS)


class Number(int):
    """Looks like a literal but is none."""


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Decimal(1), "decimal.Decimal"),
        (datetime(2025, 1, 1, tzinfo=UTC), "datetime.datetime"),
        (timedelta(1), "datetime.timedelta"),
        (ZoneInfo("UTC"), "zoneinfo.ZoneInfo"),
        (Colour.RED, "tests.rq_mon.cron.test_identity.Colour"),
        (jobs.Counter, "builtins.type"),
        (jobs.add, "builtins.function"),
        (len, "builtins.builtin_function_or_method"),
        (jobs.Counter(1), "tests.harness.jobs.Counter"),
        (bytearray(b"1"), "builtins.bytearray"),
        (OrderedDict(a=1), "collections.OrderedDict"),
        (Number(1), "tests.rq_mon.cron.test_identity.Number"),
    ],
)
def test_arguments_of_other_types_require_an_explicit_id(value: object, kind: str) -> None:
    for place, call in {
        "function_args[1]": ((1, value), {}),
        "function_args[0]": (([{"deep": (value,)}],), {}),
        "function_kwargs['name']": ((), {"first": 1, "name": value}),
    }.items():
        with pytest.raises(ValueError, match="id: expected one") as raised:
            derived_id("f", "f", "q", *call, ("function_args", "function_kwargs"))

        assert str(raised.value) == (
            f"id: expected one, since {place} is or holds an object of type {kind}; an id can be derived only"
            " from None, numbers, texts, bytes, and lists, tuples, sets and dicts of these. `rqmon cron list`"
            " shows the id of a cron job that is registered already"
        )


@pytest.mark.parametrize("function", [jobs.Counter(1).plus, jobs.Counter(1)])
def test_a_method_of_an_object_requires_an_explicit_id(function: object) -> None:
    with pytest.raises(ValueError, match=r"since function is .* tests\.harness\.jobs\.Counter;"):
        id_of(function=function)


def test_a_value_that_may_be_a_secret_is_not_in_the_error() -> None:
    with pytest.raises(ValueError, match=r"^id: (?!.*hunter2)"):
        id_of(Colour.RED, "hunter2", bytearray(b"hunter2"))


def test_another_function_or_queue_gives_another_id() -> None:
    assert len({id_of(), id_of(queue="another"), id_of(function="package.another")}) == 3


def test_the_order_of_keywords_and_of_sets_does_not_change_the_id() -> None:
    assert id_of(first=1, second=2) == id_of(second=2, first=1)
    assert id_of({"a": 1, "b": 2}) == id_of({"b": 2, "a": 1})


def test_equal_arguments_give_the_same_id_whether_or_not_they_are_the_same_object() -> None:
    word = "".join(["wo", "rd"])

    assert id_of([word, word]) == id_of(["word", "".join(["wor", "d"])])


def test_an_id_is_the_same_in_every_process(project_root: Path) -> None:
    program = """
from rq_mon.cron.identity import derived_id
arguments = {"a", "b", "c", "d"}, {"k": frozenset({"x", "y", "z"})}
print(derived_id("f", "f", "q", arguments, {}))
"""
    ids = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=project_root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(ids) == 1


def test_a_recursive_argument_requires_an_explicit_id() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(ValueError, match=r"id: expected one, since args\[0\] contains itself"):
        id_of(endless)


@pytest.mark.parametrize("value", ["", "with space", "a/b", "a:b", "ä", "x" * 151])
def test_an_id_with_characters_that_rq_refuses_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="id: expected 1 to 150 letters"):
        check_id(value)


def test_an_id_that_is_not_text_is_refused() -> None:
    with pytest.raises(TypeError, match="id: expected a string, got 5"):
        check_id(5)
