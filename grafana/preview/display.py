"""What a value looks like: its words, its unit and its colour, by the configuration of its field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grafana.preview.colors import Theme, blend
from grafana.preview.formatted import Formatted
from grafana.preview.frames import Field, Value
from grafana.preview.mappings import map_value
from grafana.preview.units import format_value

DEFAULT_STEPS: list[dict[str, Any]] = [{"color": "green", "value": None}, {"color": "red", "value": 80}]
"""Grafana's thresholds where a panel has none."""

CONTINUOUS_SCALES = {
    "continuous-GrYlRd": ("green", "yellow", "red"),
    "continuous-RdYlGr": ("red", "yellow", "green"),
    "continuous-BlYlRd": ("dark-blue", "super-light-yellow", "dark-red"),
    "continuous-YlRd": ("super-light-yellow", "dark-red"),
    "continuous-BlPu": ("blue", "purple"),
    "continuous-YlBl": ("super-light-yellow", "dark-blue"),
    "continuous-blues": ("panel-bg", "dark-blue"),
    "continuous-reds": ("panel-bg", "dark-red"),
    "continuous-greens": ("panel-bg", "dark-green"),
    "continuous-purples": ("panel-bg", "dark-purple"),
}


@dataclass(frozen=True, slots=True)
class Display:
    """One value, ready to draw."""

    text: Formatted
    color: str
    share: float
    """Where it lies between the field's minimum and maximum, 0 to 1."""

    def __str__(self) -> str:
        return str(self.text)


class FieldDisplay:
    """Turns the values of one field into words and colours."""

    def __init__(self, field: Field, theme: Theme, now: datetime, index: int = 0) -> None:
        """`index` is the field's place among the panel's series, which chooses its colour of the palette."""
        self.field = field
        self.theme = theme
        self.now = now
        self.index = index
        self.low, self.high = extent(field)

    @property
    def config(self) -> dict[str, Any]:
        """The field's configuration."""
        return self.field.config

    def __call__(self, value: Value, decimals: int | None = None) -> Display:
        """Return how `value` looks; `decimals` counts where the field says nothing about decimals."""
        result = map_value(self.config.get("mappings") or (), value) or {}
        text = Formatted(str(result["text"])) if result.get("text") else self._words(value, decimals)
        color = self.theme.color(result["color"]) if result.get("color") else self.color(value)
        return Display(text, color, self.share(value))

    def _words(self, value: Value, decimals: int | None) -> Formatted:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return Formatted(str(self.config.get("noValue") or ""))
        if isinstance(value, str):
            return Formatted(value)
        unit = self.config.get("unit") or ("dateTimeAsSystem" if self.field.type == "time" else "none")
        configured = self.config.get("decimals")
        text = format_value(value, unit, decimals if configured is None else configured, now=self.now)
        return text if configured is not None or decimals is None else without_trailing_zeros(text)

    def share(self, value: Value) -> float:
        """Return where the value lies between minimum and maximum, from 0 to 1."""
        if not isinstance(value, (int, float)) or math.isnan(value) or self.high == self.low:
            return 0.0
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def color(self, value: Value) -> str:
        """Return the colour of the value, or of the series where the colour is not by value."""
        setting = self.config.get("color") or {}
        mode = setting.get("mode", "thresholds")
        if mode in ("fixed", "shades"):
            return self.theme.color(setting.get("fixedColor"))
        if mode.startswith("palette-"):
            return self.theme.series_color(self.index)
        if mode in CONTINUOUS_SCALES:
            return blend([self.theme.color(name) for name in CONTINUOUS_SCALES[mode]], self.share(value))
        return self.threshold_color(value)

    def threshold_color(self, value: Value) -> str:
        """Return the colour of the highest threshold that the value has reached."""
        thresholds = self.config.get("thresholds") or {}
        steps = thresholds.get("steps") or DEFAULT_STEPS
        number = value if isinstance(value, (int, float)) and not math.isnan(value) else -math.inf
        if thresholds.get("mode") == "percentage" and math.isfinite(number):
            number = self.share(number) * 100
        reached = [step for step in steps[1:] if step.get("value") is not None and number >= step["value"]]
        return self.theme.color((reached or steps)[-1 if reached else 0].get("color"))

    def series_color(self) -> str:
        """Return one colour for the whole field: of its last value where colours are by value."""
        values = [value for value in self.field.values if value is not None]
        return self.color(values[-1] if values else None)


def extent(field: Field) -> tuple[float, float]:
    """Return the minimum and maximum: configured, or those of the values."""
    numbers = [n for n in field.values if isinstance(n, (int, float)) and math.isfinite(n)]
    low, high = field.config.get("min"), field.config.get("max")
    if not numbers:
        numbers = [0.0, 100.0]
    return (min(numbers) if low is None else float(low)), (max(numbers) if high is None else float(high))


def without_trailing_zeros(text: Formatted) -> Formatted:
    """Write 2.50 as 2.5: on axes, where all labels were given the same number of decimals."""
    if "." not in text.text:
        return text
    return Formatted(text.text.rstrip("0").rstrip("."), text.suffix, text.prefix)
