from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rq.job import validate_job_id

from rq_mon.cron.identity import check_id, derived_id
from tests.scheduler import jobs


class Colour(Enum):
    RED = 1


def id_of(*args: Any, function: Any = "package.function", queue: str = "queue", **kwargs: Any) -> str:
    return derived_id("package.function", function, queue, args, kwargs)


def test_it_begins_with_the_name_of_the_function() -> None:
    assert id_of().startswith("function-")
    validate_job_id(id_of())


def test_a_name_in_any_script_gives_an_id_that_rq_takes() -> None:
    validate_job_id(derived_id("paket.größe", "paket.größe", "q", (), {}))


@pytest.mark.parametrize(
    "value",
    [
        1, 1.0, True, None, "1", b"1", (1,), [1], {1}, frozenset({1}), {1: 2}, {1: 3}, {2: 2},
        Decimal(1), Decimal(2), datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC),
        ZoneInfo("UTC"), Colour.RED, jobs.Counter, jobs.add, jobs.Counter(1), jobs.Counter(2), len,
        [1, 2], [2, 1], "1, 2", ("a", "b"), ("ab",),
    ],
)  # fmt: skip
def test_different_arguments_give_different_ids(value: object) -> None:
    others = [id_of(other) for other in (0, "other", None, 1) if repr(other) != repr(value)]

    assert id_of(value) not in others
    assert id_of(value) == id_of(value)
    assert id_of(value) != id_of(value, value)
    assert id_of(value) != id_of(name=value)


def test_all_kinds_of_arguments_are_told_apart() -> None:
    values = (1, 1.0, True, "1", b"1", (1,), [1], {1}, frozenset({1}), {1: 1}, Decimal(1), jobs.Counter(1))

    assert len({id_of(value) for value in values}) == len(values)


def test_function_and_queue_count() -> None:
    assert len({id_of(), id_of(queue="another"), id_of(function="package.another")}) == 3
    assert id_of(function=jobs.Counter(1).plus) != id_of(function=jobs.Counter(2).plus)


def test_the_order_of_keywords_and_of_sets_does_not_count() -> None:
    assert id_of(first=1, second=2) == id_of(second=2, first=1)
    assert id_of({"a": 1, "b": 2}) == id_of({"b": 2, "a": 1})


def test_equal_objects_need_not_be_one() -> None:
    word = "".join(["wo", "rd"])

    assert id_of([word, word]) == id_of(["word", "".join(["wor", "d"])])


def test_it_is_the_same_in_every_process(project_root: Path) -> None:
    program = """
from datetime import UTC, datetime
from rq_mon.cron.identity import derived_id
from tests.scheduler import jobs
arguments = {"a", "b", "c", "d"}, jobs.Counter(5), datetime(2025, 1, 1, tzinfo=UTC)
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


def test_an_argument_that_contains_itself_needs_an_id() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="id: expected one"):
        id_of(endless)


@pytest.mark.parametrize("value", ["", "with space", "a/b", "a:b", "ä", "x" * 151])
def test_an_id_holds_what_rq_allows(value: str) -> None:
    with pytest.raises(ValueError, match="id: expected 1 to 150 letters"):
        check_id(value)


def test_an_id_is_text() -> None:
    with pytest.raises(TypeError, match="id: expected a string, got 5"):
        check_id(5)
