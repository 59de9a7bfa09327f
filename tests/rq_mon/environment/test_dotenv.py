"""The syntax of `.env` that every reader of the file reads in the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.variables import SettingsError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("  NAME = value  ", "value"),
        ("export NAME=value", "value"),
        ("NAME=", ""),
        ("NAME= # nothing", ""),
        ("NAME=two words # and a comment", "two words"),
        ("NAME=a#b", "a#b"),
        ("NAME=a=b", "a=b"),
        ("NAME='$, # and \" as they are '", '$, # and " as they are '),
        ('NAME="two words"', "two words"),
        ("NAME=redis://:p@ss@host:1/0?a=b", "redis://:p@ss@host:1/0?a=b"),
    ],
)
def test_a_line_sets_a_variable(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# a comment\n\n{line}\n")

    assert read_dotenv(file) == {"NAME": value}


@pytest.mark.parametrize(
    "line",
    [
        "NAME",
        "1NAME=x",
        "NAME=$OTHER",
        'NAME="${OTHER}"',
        "NAME='open",
        r'NAME="a\nb"',
        "NAME=a'b",
        "NAME=\0",
    ],
)
def test_a_line_that_readers_interpret_differently_is_refused_by_its_number(
    tmp_path: Path, line: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"FIRST=1\n{line}\n")

    with pytest.raises(SettingsError, match=r"^\.env, line 2: expected NAME=value"):
        read_dotenv(file)


def test_the_value_of_a_refused_line_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PASSWORD=se$cret\n")

    with pytest.raises(SettingsError) as error:
        read_dotenv(file)

    assert "cret" not in str(error.value)


def test_a_missing_file_sets_nothing(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}


@pytest.mark.parametrize("content", [b"NAME=\xff", b"\xff\xfeN\0"])
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=r"\.env: expected a file of UTF-8 text"):
        read_dotenv(file)


def test_unusual_line_separators_are_part_of_the_value(
    tmp_path: Path,
) -> None:
    file = tmp_path / ".env"
    file.write_text("NAME='a\x85b\u2028OTHER=c'\r\n", encoding="utf-8", newline="")

    assert read_dotenv(file) == {"NAME": "a\x85b\u2028OTHER=c"}
