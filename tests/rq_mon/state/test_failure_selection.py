"""Which failed jobs a selection holds."""

from __future__ import annotations

from typing import Any

import pytest

from rq_mon.state.failed_jobs import FailedJob
from rq_mon.state.failure_selection import Selection

JOB = FailedJob("7", "mail", "shop.tasks.send", "ValueError", "ValueError: no", 1000.0, "1000000-0")
WITHOUT_TIME = FailedJob("8", "mail", "shop.tasks.send", "ValueError", "ValueError: no", None, "")


@pytest.mark.parametrize(
    ("conditions", "matches", "matches_without_time"),
    [
        ({}, True, True),
        ({"queue": "mail", "exception": "ValueError"}, True, True),
        ({"queue": "mai"}, False, False),
        ({"exception": "Value"}, False, False),
        ({"function": "tasks.send"}, True, True),
        ({"function": "asks.send"}, False, False),
        ({"function": "tasks.send", "is_whole_path": True}, False, False),
        ({"function": "shop.tasks.send", "is_whole_path": True}, True, True),
        ({"failed_after": 1000.0, "failed_before": 1000.0}, True, False),
        ({"failed_after": 1000.1}, False, False),
        ({"failed_before": 999.9}, False, False),
        ({"not_later_than": 1000.0}, True, True),
        ({"not_later_than": 999.9}, False, True),
    ],
)
def test_a_selected_job_meets_all_conditions(
    conditions: dict[str, Any], matches: bool, matches_without_time: bool
) -> None:
    selection = Selection(**conditions)

    assert (selection.matches(JOB), selection.matches(WITHOUT_TIME)) == (matches, matches_without_time)
