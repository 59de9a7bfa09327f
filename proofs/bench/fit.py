"""A straight line through what was measured at several sizes, and how far it carries."""

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
    """The share of the costs' variance that the line explains: 1 is a perfect fit."""

    def reaches(self, cost: float) -> float:
        """Return the size at which the cost is reached; infinite if it does not grow."""
        return (cost - self.fixed) / self.slope if self.slope > 0 else float("inf")


def fit(sizes: Sequence[float], costs: Sequence[float]) -> Line:
    """Return the line of least squares.

    Raises:
        statistics.StatisticsError: fewer than two sizes, or all of them the same.
    """
    slope, fixed = statistics.linear_regression(sizes, costs)
    correlation = statistics.correlation(sizes, costs) if len(set(costs)) > 1 else 1.0
    return Line(fixed, slope, correlation**2)
