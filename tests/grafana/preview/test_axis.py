"""Axes begin at zero where values are near it, and their ticks are round and read like Grafana's."""

from __future__ import annotations

import pytest

from grafana.preview.colors import DARK
from grafana.preview.display import FieldDisplay
from grafana.preview.frames import Field
from grafana.preview.panels.axis import axis_range, ticks, value_axis
from grafana.preview.panels.widths import fit
from tests.grafana.preview.views import NOW


@pytest.mark.parametrize(
    ("values", "config", "ends"),
    [
        ([0, 100], {}, (0, 110)),
        ([10, 100], {}, (0, 110)),
        ([1000, 1010], {}, (999, 1011.1)),
        ([7, 7], {}, (0, 7.7)),
        ([-50, 50], {}, (-60, 61)),
        ([0, 0.5], {"min": 0, "max": 1}, (0, 1)),
        ([0, 0], {"min": 0}, (0, 1)),
        ([], {}, (0, 1)),
    ],
)
def test_ends_of_an_axis(values: list[float], config: dict[str, float], ends: tuple[float, float]) -> None:
    assert axis_range(values, config) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("high", "unit", "expected"),
    [
        (10, "short", [0, 2.5, 5, 7.5, 10]),
        (1, "percentunit", [0, 0.25, 0.5, 0.75, 1]),
        (5000, "bytes", [0, 2048, 4096]),
    ],
)
def test_ticks_are_round(high: float, unit: str, expected: list[float]) -> None:
    assert ticks(0, high, 180, unit) == expected


@pytest.mark.parametrize(
    ("high", "unit", "texts"),
    [
        (10, "short", ["0", "2.5", "5", "7.5", "10"]),
        (0.01, "s", ["0 s", "2.5 ms", "5 ms", "7.5 ms", "10 ms"]),
        (1, "percentunit", ["0%", "25%", "50%", "75%", "100%"]),
    ],
)
def test_ticks_have_units(high: float, unit: str, texts: list[str]) -> None:
    display = FieldDisplay(Field("x", "number", [], config={"unit": unit}), DARK, NOW)
    assert value_axis(display, 0, high, 180)["ticktext"] == texts


def test_columns_keep_their_width_where_there_is_room() -> None:
    assert fit([100, 200], 400) == [100, 200]


def test_widest_columns_give_way_first() -> None:
    assert fit([100, 300, 500], 500) == [100, 200, 200]


def test_columns_stay_wide_enough_to_read() -> None:
    assert fit([300, 300, 60], 100) == [70, 70, 60]
