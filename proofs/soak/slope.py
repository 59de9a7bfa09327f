"""How fast a quantity grows, and how sure that is: least squares over the lives of a process."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

SURE = 2.0
"""Standard errors by which a slope must exceed its bound to count: 1 in 40 by chance."""
SECONDS_PER_HOUR = 3600.0


class Point(NamedTuple):
    """One sample of a quantity."""

    time: float
    """In seconds."""
    value: float
    life: Hashable = 0
    """Which process it was: each restart changes the level."""


@dataclass(frozen=True, slots=True)
class Slope:
    """The result of least squares, in units of the value; slope and error per hour."""

    per_hour: float
    error: float
    """Standard error; infinite if there are too few points."""
    mean: float
    points: int

    def is_above(self, bound: float) -> bool:
        """Return whether the slope exceeds the bound by more than chance would explain, or is unknown."""
        return not math.isfinite(self.error) or self.per_hour - SURE * self.error > bound


def slope_of(points: Iterable[Point], warm_up: float) -> Slope:
    """Fit one slope to all lives, each with its own level, without the first seconds of each life.

    Consecutive samples resemble each other, so they contain less information than their number suggests. The
    error is widened by the correlation of neighbouring residuals.
    """
    lives: dict[Hashable, list[Point]] = defaultdict(list)
    for point in points:
        lives[point.life].append(point)
    centred: list[tuple[float, float]] = []
    values: list[float] = []
    fitted_lives = 0
    for life in lives.values():
        warm = [point for point in life if point.time >= life[0].time + warm_up]
        if len(warm) < 2:
            continue
        fitted_lives += 1
        middle = statistics.fmean(point.time for point in warm)
        level = statistics.fmean(point.value for point in warm)
        centred += [(point.time - middle, point.value - level) for point in warm]
        values += [point.value for point in warm]
    spread = sum(t * t for t, _ in centred)
    if not values or spread == 0:
        return Slope(math.nan, math.inf, math.nan, len(values))
    times, levels = zip(*centred, strict=True)
    per_second = statistics.linear_regression(times, levels, proportional=True).slope
    error = _error([y - per_second * t for t, y in centred], fitted_lives + 1, spread)
    return Slope(
        per_second * SECONDS_PER_HOUR, error * SECONDS_PER_HOUR, statistics.fmean(values), len(values)
    )


def _error(residuals: list[float], parameters: int, spread: float) -> float:
    freedom = len(residuals) - parameters
    if freedom <= 0:
        return math.inf
    squares = sum(residual * residual for residual in residuals)
    neighbours = sum(a * b for a, b in pairwise(residuals))
    likeness = min(max(neighbours / squares, 0.0), 0.99) if squares else 0.0
    return math.sqrt(squares / freedom / spread * (1 + likeness) / (1 - likeness))
