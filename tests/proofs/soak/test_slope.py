"""The slope of a soak shows a leak despite restarts and noise."""

from __future__ import annotations

import math
import random

import pytest

from proofs.soak.slope import Point, slope_of


def test_points_on_a_line_have_its_slope_without_error() -> None:
    points = [Point(second, 100 + 2 * second) for second in range(100)]

    slope = slope_of(points, warm_up=0)

    assert slope.per_hour == pytest.approx(7200)
    assert slope.error == pytest.approx(0, abs=1e-6)


def test_the_warm_up_after_each_restart_is_left_out() -> None:
    points = [Point(time, 50 if time % 100 < 20 else 500, life=time // 100) for time in range(0, 300, 5)]

    slope = slope_of(points, warm_up=20)

    assert (slope.per_hour, slope.mean) == (0, 500)


def test_a_restart_at_another_level_is_no_growth() -> None:
    points = [Point(time, 100 if time < 50 else 900, life=time < 50) for time in range(100)]

    assert slope_of(points, warm_up=0).per_hour == 0


def test_a_leak_is_found_despite_restarts_and_noise() -> None:
    chance = random.Random(1)
    points = [Point(time, time % 600 + chance.gauss(0, 30), life=time // 600) for time in range(0, 1800, 10)]

    slope = slope_of(points, warm_up=60)

    assert slope.per_hour == pytest.approx(3600, rel=0.1)
    assert slope.is_above(3000)
    assert not slope.is_above(4200)


def test_noise_without_a_leak_is_not_above_its_bound() -> None:
    chance = random.Random(2)
    slopes = [
        slope_of([Point(time, chance.gauss(100, 10)) for time in range(200)], warm_up=0) for _ in range(50)
    ]

    assert sum(slope.is_above(0) for slope in slopes) <= 5


def test_similar_neighbours_widen_the_error() -> None:
    chance = random.Random(3)
    independent = [Point(time, chance.gauss(0, 1)) for time in range(400)]
    held = [Point(time, independent[time // 20].value) for time in range(400)]

    assert slope_of(held, 0).error > 3 * slope_of(independent, 0).error


@pytest.mark.parametrize("points", [[], [Point(0, 1)], [Point(0, 1), Point(1, 1, life=1)]])
def test_too_few_points_prove_nothing(points: list[Point]) -> None:
    slope = slope_of(points, warm_up=0)

    assert math.isinf(slope.error)
    assert slope.is_above(1e9)
