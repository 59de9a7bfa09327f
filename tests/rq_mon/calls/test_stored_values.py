"""Arguments of a job are shown as text, without running any of its code."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections import OrderedDict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rq_mon.calls.stored_values import (
    LONGEST_TEXT,
    UnreadableError,
    arguments_of,
    entry_of,
    keys_of,
    type_of,
)
from tests.rq_mon.calls.methods import Color, Invoice, Named

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Evil:
    """Runs a command wherever it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._path}",)


def call(*args: object, protocol: int = pickle.HIGHEST_PROTOCOL, **kwargs: object) -> bytes:
    return pickle.dumps(("shop.charge", None, args, kwargs), protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -7, 2**70, 1.5, "größe", 'it\'s "x"', b"\x00\xff", [1, [2]], (), (1,), (1, "a")),
        *({"a": [1, 2], 3: None}, {7}, [[], {}, "", b""], "x" * 300),
    ],
)
def test_plain_values_are_shown_as_python_prints_them(value: object, protocol: int) -> None:
    if protocol >= 4 or not isinstance(value, set | bytes | list):  # earlier ones call something for those
        reported = arguments_of(call(value, name=value, protocol=protocol))
        assert reported == f"{value!r}, name={value!r}"


def test_json_arguments_are_shown_too() -> None:
    data = json.dumps(["shop.charge", None, [1, "x", {"a": None}], {"b": [True]}]).encode()
    assert arguments_of(data) == "1, 'x', {'a': None}, b=[True]"


def test_objects_are_shown_by_their_class() -> None:
    reported = arguments_of(call(date(2026, 1, 2), Color.RED, Named(1, 2), OrderedDict(a=1), Invoice(2)))
    assert "datetime.date(" in reported
    assert "tests.rq_mon.calls.methods.Color('red')" in reported
    assert "tests.rq_mon.calls.methods.Named(1, 2)" in reported
    assert "tests.rq_mon.calls.methods.Invoice() with {'weight': b'xx'}" in reported


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_showing_arguments_runs_none_of_their_code(tmp_path: Path, protocol: int) -> None:
    data = call(Evil(tmp_path / "ran"), protocol=protocol)
    assert "touch" in arguments_of(data)
    assert keys_of(pickle.dumps({"a": Evil(tmp_path / "ran")}, protocol)) == ("a",)
    type_of(data)
    assert not (tmp_path / "ran").exists()


def test_recursive_and_repetitive_values_are_cut() -> None:
    own: list[Any] = []
    own.append(own)
    bomb: list[Any] = ["x"]
    for _ in range(60):
        bomb = [bomb, bomb]
    begin = time.process_time()
    for value in (own, bomb, ["x" * 1500] * 100_000):
        assert len(arguments_of(call(value, value))) < LONGEST_TEXT + 10
    assert time.process_time() - begin < 20


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"\x80",
            b"\x80\x05.",
            b"\x80\x05]q.",
            call("x" * 99)[:-20],
            b"msgpack\xff",
            b"[1]",
            b"7",
            b"{}",
        ),
        *(b"\x80\x02" + b"e" * 9 + b".", b"\x80\x02L" + b"9" * 6000 + b"L\n.", b"[" * 100_000),
        *(pickle.dumps(7), pickle.dumps([1, 2, 3, 4])[:-3], b"\x80\x02h\x07.", b"\x80\x02R.", b"\x80\x02b."),
    ],
)
def test_reports_data_that_is_no_call(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="expected"):
        arguments_of(data)
    assert isinstance(type_of(data), str)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("value", "type_"),
    [
        *(
            (each, type(each).__name__)
            for each in (None, True, 7, 1.5, "x", [1], (1, 2, 3, 4), (1,), {"a": 1})
        ),
        (Invoice(9), "tests.rq_mon.calls.methods.Invoice"),
        (date(2026, 1, 2), "datetime.date"),
    ],
)
def test_finds_the_type_in_the_head_of_the_data(value: object, type_: str, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert type_of(data) == type_
    if protocol >= 4:
        large = pickle.dumps([value, "x" * 10_000], protocol)
        assert type_of(large[:5000]) == "list"


def test_finds_the_type_in_the_head_of_json() -> None:
    assert [
        type_of(each) for each in (b'{"a": 1}', b'{"a": "xxx', b"[1]", b"[1, ", b'"x', b"null", b"7")
    ] == [*("dict", "dict", "list", "list", "str", "NoneType", "int")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value", ["größe|\ud800", 'it\'s "x"\n\\', "", 7, None, True, [1, "x"], {"a": (1,)}, 1.5]
)
def test_an_entry_of_a_pickled_dict_is_read_unchanged(protocol: int, value: object) -> None:
    held = {"one": value, 7: "seven", "evil": date(2026, 1, 2)}
    assert entry_of(pickle.dumps(held, protocol), "one") == value
    assert entry_of(pickle.dumps(held, protocol), "7") is None
    assert entry_of(pickle.dumps({}, protocol), "one") is None


def test_an_entry_of_a_json_object_is_read_unchanged() -> None:
    assert entry_of(b'{"one": 1, "two": [2]}', "two") == [2]
    assert entry_of(json.dumps({"one": "größe"}).encode(), "one") == "größe"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_entry_that_code_creates_is_not_shown(tmp_path: Path, protocol: int) -> None:
    for held in ({"one": Evil(tmp_path / "ran")}, {"one": Color.RED}, OrderedDict(one="x")):
        with pytest.raises(UnreadableError):
            entry_of(pickle.dumps(held, protocol), "one")
    assert entry_of(pickle.dumps({"one": 1, "two": Evil(tmp_path / "ran")}, protocol), "one") == 1
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("data", [b"", b".", b"\x80", b"\x80\x05", b"packed", b"(.", b"{", b"cos\nsystem\n."])
def test_reading_an_entry_of_anything_but_a_dict_is_an_error(data: bytes) -> None:
    with pytest.raises((UnreadableError, TypeError)):
        entry_of(data, "one")


def test_a_long_string_is_cut_and_an_entry_in_a_long_dict_is_not_read() -> None:
    reported = entry_of(pickle.dumps({"one": "x" * 10_000}), "one")
    assert isinstance(reported, str)
    assert 200 < len(reported) < LONGEST_TEXT
    long = {"one": 1, **{str(number): number for number in range(100_000)}}
    for data in (pickle.dumps(long), json.dumps(long).encode()):
        with pytest.raises(UnreadableError, match="expected at most 16384 bytes"):
            entry_of(data, "one")
    assert entry_of(pickle.dumps(long), "two") is None
