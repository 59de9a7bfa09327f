"""The straight line through measured costs."""

from __future__ import annotations

import math
import statistics

import pytest

from proofs.bench.fit import fit


def test_points_on_a_line_are_fitted_exactly_and_extrapolated() -> None:
    line = fit([100, 200, 400, 800], [1.5, 2.0, 3.0, 5.0])

    assert line.fixed == pytest.approx(1.0)
    assert line.slope == pytest.approx(0.005)
    assert line.r_squared == pytest.approx(1.0)
    assert line.reaches(10.0) == pytest.approx(1800)


def test_noise_lowers_the_explained_share() -> None:
    assert 0.5 < fit([1, 2, 3, 4], [1.0, 2.6, 2.4, 4.0]).r_squared < 0.99


def test_constant_cost_never_reaches_a_limit() -> None:
    assert fit([1, 2, 3], [2.0, 2.0, 2.0]).reaches(3.0) == math.inf


def test_a_single_size_gives_no_line() -> None:
    with pytest.raises(statistics.StatisticsError):
        fit([5], [1.0])
