from __future__ import annotations

from typing import Any

import pytest

from rq_mon.calls.retries import retry_backoff_intervals, retry_policy


def test_backoff_intervals_are_square_numbers_of_seconds() -> None:
    assert retry_backoff_intervals(4, True, is_backoff_an_int=False) == [1, 4, 9, 16]


def test_backoff_starts_at_the_given_number() -> None:
    assert retry_backoff_intervals(max_retries=3, retry_backoff=30, is_backoff_an_int=True) == [30, 961, 1024]


def test_without_backoff_retries_do_not_wait() -> None:
    assert retry_backoff_intervals(max_retries=3, retry_backoff=False, is_backoff_an_int=False) == 0


@pytest.mark.parametrize("max_retries", [None, 0])
def test_a_job_without_retries_has_no_policy(max_retries: int | None) -> None:
    assert retry_policy(max_retries, retry_backoff=True) is None


@pytest.mark.parametrize(
    ("arguments", "intervals"),
    [
        ({}, [0]),
        ({"retry_intervals": 30}, [30]),
        ({"retry_intervals": [1, 2]}, [1, 2]),
        ({"retry_intervals": (5, 10, 20)}, [5, 10, 20]),
        ({"retry_intervals": 0.5}, [1]),
        ({"retry_backoff": True}, [1, 4, 9]),
        ({"retry_backoff": 1}, [1, 4, 9]),
        ({"retry_backoff": 2}, [2, 9, 16]),
        ({"retry_backoff": True, "retry_intervals": 30}, [1, 4, 9]),
        ({"retry_backoff": False, "retry_intervals": 30}, [30]),
    ],
)
def test_intervals_come_from_backoff_or_are_the_given_ones(
    arguments: dict[str, Any], intervals: list[int]
) -> None:
    policy = retry_policy(3, **arguments)

    assert policy is not None
    assert (policy.max, policy.intervals) == (3, intervals)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_retries": -1}, ValueError, "max_retries: expected at least 0, or None, got -1"),
        ({"max_retries": True}, TypeError, "max_retries: .* got True"),
        ({"max_retries": 2.0}, TypeError, "max_retries: .* got 2.0"),
        ({"retry_backoff": -5}, ValueError, "retry_backoff: .* got -5"),
        ({"retry_backoff": 1.5}, TypeError, "retry_backoff: .* got 1.5"),
        ({"retry_backoff": "yes"}, TypeError, "retry_backoff: .* got 'yes'"),
        ({"retry_intervals": -1}, ValueError, "retry_intervals: .* got -1"),
        ({"retry_intervals": [1, -1]}, ValueError, "retry_intervals: .* got -1"),
        ({"retry_intervals": float("nan")}, ValueError, "retry_intervals: .* got nan"),
        ({"retry_intervals": [float("inf")]}, ValueError, "retry_intervals: .* got inf"),
        ({"retry_intervals": True}, TypeError, "retry_intervals: .* got True"),
        ({"retry_intervals": "10"}, TypeError, "retry_intervals: .* got '10'"),
        ({"retry_intervals": []}, ValueError, r"retry_intervals: expected 1 to 3 .* got \[\]"),
        ({"retry_intervals": [1, 2, 3, 4]}, ValueError, "retry_intervals: expected 1 to 3 "),
    ],
)
def test_an_invalid_argument_is_refused_by_name_and_value(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        retry_policy(**({"max_retries": 3} | arguments))
