"""Fit a line through measurements at several sizes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """cost = fixed + slope * size."""

    fixed: float
    slope: float
    r_squared: float
    """Share of the variance that the line explains: 1 is a perfect fit."""

    def reaches(self, cost: float) -> float:
        """Return the size at which the line reaches the cost; infinite if the cost does not grow."""
        return (cost - self.fixed) / self.slope if self.slope > 0 else float("inf")


def fit(sizes: Sequence[float], costs: Sequence[float]) -> Line:
    """Return the least-squares line.

    Raises:
        statistics.StatisticsError: fewer than two different sizes.
    """
    slope, fixed = statistics.linear_regression(sizes, costs)
    correlation = statistics.correlation(sizes, costs) if len(set(costs)) > 1 else 1.0
    return Line(fixed, slope, correlation**2)
