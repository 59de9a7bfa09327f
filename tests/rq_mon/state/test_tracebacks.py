"""Which exception a text tells of."""

from __future__ import annotations

import traceback

import pytest

from rq_mon.state.tracebacks import exception_of, lines_of


class Outer:
    class InnerError(Exception):
        pass


def traceback_of(error: BaseException) -> str:
    with pytest.raises(type(error)) as raised:
        raise error
    return "".join(traceback.format_exception(raised.value))


def traceback_of_one_after_another() -> str:
    """Python tells of both, and the last is the one that counts."""
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
        ("something that nobody expects", ("unknown", "something that nobody expects")),
    ],
)
def test_exception_and_its_line(text: str, expected: tuple[str, str]) -> None:
    assert exception_of(lines_of([text.encode()]))[:2] == expected
