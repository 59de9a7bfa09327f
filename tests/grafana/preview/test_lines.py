"""What of a series a line chart fills."""

from __future__ import annotations

import pytest

from grafana.preview.panels.lines import has_gap


@pytest.mark.parametrize("values", [[1, None, 2], [None, 1, None, None, 2, None]])
def test_what_is_missing_between_two_values_is_a_gap(values: list[float | None]) -> None:
    assert has_gap(values)


@pytest.mark.parametrize("values", [[], [None], [1], [1, 2], [None, None, 1, 2, None]])
def test_what_is_missing_before_and_after_all_values_is_none(values: list[float | None]) -> None:
    assert not has_gap(values)
