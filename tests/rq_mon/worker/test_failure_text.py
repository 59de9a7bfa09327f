"""The text of a failure, changed so that Redis can store it."""

from __future__ import annotations

import pytest

from rq_mon.worker.failure_text import LONGEST_LINE, LONGEST_TEXT, recordable


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("ValueError: größe ☃", "ValueError: größe ☃"),
        ("one\0two\0", "one\\x00two\\x00"),
        ("half \ud800", "half \\ud800"),
        ("a" * LONGEST_LINE, "a" * LONGEST_LINE),
    ],
)
def test_only_characters_that_cannot_be_stored_are_changed(text: str, recorded: str) -> None:
    assert recordable(text) == recorded


def test_the_middle_of_long_lines_and_of_a_long_text_is_left_out() -> None:
    line = "b" * (LONGEST_LINE + 1)
    left_out = f"{'b' * 2500} ... 1 characters left out ... {'b' * 2500}"
    assert recordable(f"head\n{line}\nend") == f"head\n{left_out}\nend"

    whole = recordable("\n".join(["ValueError: no", *["c" * 99] * (LONGEST_TEXT // 50), "the end"]))
    assert whole.startswith("ValueError: no\nccc")
    assert whole.endswith("ccc\nthe end")
    assert " characters left out ... " in whole
    assert LONGEST_TEXT < len(whole) < LONGEST_TEXT + 100
