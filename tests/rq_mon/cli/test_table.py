"""Tables fit the terminal; elsewhere they are plain lines."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

import pytest
from redis import Redis
from rq import Queue

from rq_mon.cli.table import folded, table_lines, width_of
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import COMMAND, Rqmon, _read_all

HEADINGS = ("queue", "jobs", "oldest waits")
ROWS = [("mail", 12345, "2h 5m"), ("reports", 7, None)]


def test_numbers_are_right_aligned_and_text_is_left_aligned() -> None:
    assert table_lines(HEADINGS, ROWS, 80) == [
        " queue      jobs  oldest waits",
        " mail     12,345  2h 5m",
        " reports       7",
    ]


def test_a_column_with_text_and_numbers_is_text() -> None:
    assert table_lines(("a", "b"), [(1, "x"), (None, "y")], 80) == [" a  b", " 1  x", "    y"]


@pytest.mark.parametrize("width", range(1, 41))
def test_a_table_fits_its_width_and_loses_nothing(width: int) -> None:
    row = ("payments-of-everybody", 1234567, "tests.a_function with words")
    narrowest = 1 + 3 * 1 + 2 * 2

    lines = table_lines(HEADINGS, [row], width)

    assert max(map(width_of, lines)) <= max(width, narrowest)
    said, wanted = "".join(lines), [*HEADINGS, row[0], "1,234,567", row[2]]
    assert sorted(said.replace(" ", "")) == sorted("".join(wanted).replace(" ", ""))


@pytest.mark.parametrize(
    ("text", "width", "parts"),
    [
        ("", 3, [""]),
        ("abc", 3, ["abc"]),
        ("abcdefg", 3, ["abc", "def", "g"]),
        ("stuck deferred", 8, ["stuck", "deferred"]),
        ("stuck deferred", 5, ["stuck", "defer", "red"]),
        ("邮件队列", 4, ["邮件", "队列"]),
        ("邮件", 1, ["邮", "件"]),
        ("e\u0301a\u0301o\u0301", 2, ["e\u0301a\u0301", "o\u0301"]),
    ],
)
def test_long_text_is_folded(text: str, width: int, parts: list[str]) -> None:
    assert folded(text, width) == parts


@pytest.mark.slow
def test_status_fits_a_narrow_terminal_in_bold_and_a_pipe_has_plain_lines(
    redis_client: Redis, rqmon: Rqmon
) -> None:
    name = "a-queue-with-a-name-that-is-longer-than-the-terminal-is-wide-" * 2
    Queue(name, connection=redis_client).enqueue(jobs.succeed)
    ours, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}

    with subprocess.Popen([*COMMAND, "status"], env=environment, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = _read_all(ours)

    assert process.returncode == 0, shown
    assert "\x1b[1mQueues\x1b[0m" in shown
    plain = shown.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 90
    piped = rqmon("status").out
    assert name in piped
    assert "\x1b" not in piped
