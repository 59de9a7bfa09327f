"""The exception in the text of a failure."""

from __future__ import annotations

import traceback

import pytest

from rq_mon.state.tracebacks import HEADER, LONGEST_LINE, exception_of, lines_of
from tests.rq_mon.state import failing


class Outer:
    class InnerError(Exception):
        pass


def traceback_of(error: BaseException) -> str:
    with pytest.raises(type(error)) as raised:
        raise error
    return "".join(traceback.format_exception(raised.value))


def traceback_of_one_after_another() -> str:
    """Python names both, and the last one counts."""
    with pytest.raises(KeyError) as first:
        raise KeyError("first")
    second = ValueError("second")
    second.__cause__ = first.value
    return traceback_of(second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (traceback_of(ValueError("no such order")), ("ValueError", "ValueError: no such order")),
        (traceback_of(ValueError("one\nTwo: three")), ("ValueError", "ValueError: one")),
        (traceback_of(ValueError()), ("ValueError", "ValueError")),
        (
            traceback_of(Outer.InnerError("x")),
            ("InnerError", "tests.rq_mon.state.test_tracebacks.Outer.InnerError: x"),
        ),
        (traceback_of_one_after_another(), ("ValueError", "ValueError: second")),
        (traceback_of(SyntaxError("bad")), ("SyntaxError", "SyntaxError: bad")),
        (
            "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ",
            ("WorkHorseKilled", "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); "),
        ),
        (
            "Work-horse terminated unexpectedly; waitpid returned 256; ",
            ("WorkHorseExited", "Work-horse terminated unexpectedly; waitpid returned 256; "),
        ),
        (
            "Work-horse terminated unexpectedly; waitpid returned 28928; ",
            ("FailureNotRecorded", "Work-horse terminated unexpectedly; waitpid returned 28928; "),
        ),
        (
            "Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-01-01",
            ("AbandonedJobError", "Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-01-01"),
        ),
        (
            "Job stopped by user, work-horse terminated.",
            ("stopped", "Job stopped by user, work-horse terminated."),
        ),
        ("", ("unknown", "")),
        ("something unexpected", ("unknown", "something unexpected")),
    ],
)
def test_finds_the_exception_and_its_line(text: str, expected: tuple[str, str]) -> None:
    assert exception_of(lines_of([text.encode()]))[:2] == expected


@pytest.mark.parametrize("quoted", [failing.NESTED, failing.CHAINED])
def test_a_traceback_quoted_in_a_message_is_ignored_even_without_frames_of_rq(quoted: str) -> None:
    text = traceback_of(RuntimeError(f"child ended with 1:\n{quoted}"))
    assert exception_of(lines_of([text.encode()]))[:2] == (
        "RuntimeError",
        "RuntimeError: child ended with 1:",
    )


def test_a_quoted_exception_group_is_ignored_even_if_indented_like_a_real_one() -> None:
    chained = failing.OF_ANOTHER_JOB.removeprefix(failing.NESTED)
    frame = '  File "/usr/lib/python3/site-packages/rq/worker/base.py", line 1552, in perform_job'
    text = f"{HEADER}\n{frame}\n    run()\nRuntimeError: child\n    | {HEADER}\n    | KeyError\n{chained}"
    assert exception_of(lines_of([text.encode()]))[:2] == ("RuntimeError", "RuntimeError: child")


def test_lines_do_not_depend_on_how_the_text_is_cut_into_parts() -> None:
    text = ("first\r\nsecond\n\n" + "x" * 5000 + "\nlast").encode()
    expected = ["first", "second", "", "x" * LONGEST_LINE, "last"]
    for size in (1, 7, 1000, len(text)):
        assert list(lines_of(text[i : i + size] for i in range(0, len(text), size))) == expected
