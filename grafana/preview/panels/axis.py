"""Value axes: where they begin and end, and ticks that read like Grafana's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from grafana.preview.display import FieldDisplay
from grafana.preview.panels.figure import plain

MULTIPLES = (1.0, 2.0, 2.5, 5.0)
BINARY_UNITS = ("bytes", "bits", "binBps", "binbps")
PIXELS_PER_TICK = 40
ROOM = 0.1
"""Share of the range that is left free above the highest value."""


def axis_range(values: Sequence[float], config: dict[str, Any]) -> tuple[float, float]:
    """Return the ends of an axis: configured, or a little beyond the values; 0 where they are near it."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    start = config.get("min")
    if start is None:
        start = _free_start(low, high)
    end = config.get("max")
    if end is None:
        end = high + (high - start) * ROOM
    return (start, end) if end > start else (start, start + 1.0)


def _free_start(low: float, high: float) -> float:
    near_zero = 0 <= low <= 2 * (high - low) or low == high >= 0
    return 0.0 if near_zero else low - ((high - low) or abs(low)) * ROOM


def ticks(low: float, high: float, height: int, unit: str) -> list[float]:
    """Return round values from `low` to `high`, as many as `height` pixels have room for."""
    wanted = (high - low) / max(height / PIXELS_PER_TICK, 2)
    increment = _binary_increment(wanted) if unit in BINARY_UNITS else _decimal_increment(wanted)
    first, last = math.ceil(low / increment - 1e-9), math.floor(high / increment + 1e-9)
    return [round(number * increment, 12) for number in range(first, last + 1)]


def _decimal_increment(wanted: float) -> float:
    power = 10.0 ** math.floor(math.log10(wanted))
    return next((power * multiple for multiple in MULTIPLES if power * multiple >= wanted), power * 10)


def _binary_increment(wanted: float) -> float:
    return 2.0 ** max(0, math.ceil(math.log2(wanted)))


def tick_decimals(values: Sequence[float]) -> int | None:
    """Return the decimals that tell neighbouring ticks apart, None for whole numbers."""
    if len(values) < 2:
        return None
    text = f"{round(values[1] - values[0], 6):f}".rstrip("0")
    return len(text.partition(".")[2]) or None


def value_axis(display: FieldDisplay, low: float, high: float, height: int) -> dict[str, Any]:
    """Return Plotly's axis with the ticks of `display`'s unit."""
    positions = ticks(low, high, height, display.config.get("unit") or "")
    decimals = tick_decimals(positions)
    return {
        "range": [low, high],
        "tickmode": "array",
        "tickvals": positions,
        "ticktext": [plain(str(display(position, decimals))) for position in positions],
        "gridcolor": display.theme.grid,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "ticklabelstandoff": 6,
        "title": {"text": plain((display.config.get("custom") or {}).get("axisLabel") or "")},
    }
