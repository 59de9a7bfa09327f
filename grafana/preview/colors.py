"""Grafana's colours: names to hex values for each theme, the palette of series, and mixing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

ThemeName = Literal["dark", "light"]

# Shades from super-light to dark, per hue: createVisualizationColors in @grafana/data.
SHADES = ("super-light-{}", "light-{}", "{}", "semi-dark-{}", "dark-{}")
DARK_HUES = {
    "red": ("#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A"),
    "orange": ("#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400"),
    "yellow": ("#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400"),
    "green": ("#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D"),
    "blue": ("#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4"),
    "purple": ("#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8"),
}
LIGHT_HUES = {
    "red": ("#FF7383", "#F2495C", "#E02F44", "#C4162A", "#AD0317"),
    "orange": ("#FFB357", "#FF9830", "#FF780A", "#FA6400", "#E55400"),
    "yellow": ("#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400", "#CC9D00"),
    "green": ("#96D98D", "#73BF69", "#56A64B", "#37872D", "#19730E"),
    "blue": ("#8AB8FF", "#5794F2", "#3274D9", "#1F60C4", "#1250B0"),
    "purple": ("#CA95E5", "#B877D9", "#A352CC", "#8F3BB8", "#7C2EA3"),
}
CLASSIC_PALETTE = (
    "green", "semi-dark-yellow", "blue", "orange", "red", "purple",
    "dark-green", "dark-yellow", "dark-blue", "dark-orange", "dark-red", "dark-purple",
    "super-light-green", "super-light-yellow", "super-light-blue", "super-light-orange",
    "super-light-red", "super-light-purple",
    "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477", "#B7DBAB", "#F4D598", "#70DBED",
    "#F9BA8F", "#F29191", "#82B5D8", "#E5A8E2", "#AEA2E0", "#629E51", "#E5AC0E", "#64B0C8", "#E0752D",
)  # fmt: skip
FALLBACK = "#808080"
NATIVE_NAMES = {"white": "#FFFFFF", "black": "#000000", "gray": "#808080", "grey": "#808080"}

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Theme:
    """What differs between Grafana's dark and light theme."""

    name: ThemeName
    panel: str
    text: str
    muted: str
    grid: str
    border: str
    by_name: dict[str, str] = field(repr=False)

    def color(self, name: str | None) -> str:
        """Return the CSS value of a colour that a dashboard names; grey for one that nobody knows."""
        if not name:
            return FALLBACK
        if name in self.by_name:
            return self.by_name[name]
        return name if is_css_color(name) else NATIVE_NAMES.get(name.lower(), FALLBACK)

    def series_color(self, index: int) -> str:
        """Return the colour of the series with this index in a panel (palette-classic)."""
        return self.color(CLASSIC_PALETTE[index % len(CLASSIC_PALETTE)])


def _by_name(hues: Mapping[str, Sequence[str]], panel: str, text: str) -> dict[str, str]:
    shades = {
        shade.format(hue): value
        for hue, values in hues.items()
        for shade, value in zip(SHADES, values, strict=True)
    }
    return shades | {"transparent": "rgba(0, 0, 0, 0)", "panel-bg": panel, "text": text}


DARK = Theme(
    name="dark",
    panel="#181B1F",
    text="#CCCCDC",
    muted="rgba(204, 204, 220, 0.65)",
    grid="rgba(204, 204, 220, 0.09)",
    border="rgba(204, 204, 220, 0.12)",
    by_name=_by_name(DARK_HUES, "#181B1F", "#CCCCDC"),
)
LIGHT = Theme(
    name="light",
    panel="#FFFFFF",
    text="#24292E",
    muted="rgba(36, 41, 46, 0.75)",
    grid="rgba(36, 41, 46, 0.09)",
    border="rgba(36, 41, 46, 0.12)",
    by_name=_by_name(LIGHT_HUES, "#FFFFFF", "#24292E"),
)
THEMES: dict[ThemeName, Theme] = {"dark": DARK, "light": LIGHT}

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_RGB = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*(?:,\s*[\d.]+\s*)?\)")


def is_css_color(text: str) -> bool:
    """Tell whether the text is a plain hex or rgb colour, and nothing that CSS could be injected with."""
    return bool(_HEX.fullmatch(text) or _RGB.fullmatch(text))


def to_rgb(color: str) -> Rgb:
    """Return red, green and blue, 0 to 255, of a hex or rgb colour."""
    if match := _RGB.fullmatch(color):
        return float(match[1]), float(match[2]), float(match[3])
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def with_opacity(color: str, opacity: float) -> str:
    """Return the colour with another opacity, 0 to 1."""
    red, green, blue = to_rgb(color)
    return f"rgba({red:.0f}, {green:.0f}, {blue:.0f}, {opacity:g})"


def readable_text_on(background: str) -> str:
    """Return black or white, whichever can be read on the background."""
    red, green, blue = to_rgb(background)
    return "#111217" if red * 0.299 + green * 0.587 + blue * 0.114 > 150 else "#FFFFFF"


def shade(color: str, share: float) -> str:
    """Mix the colour with black (negative share) or white (positive share)."""
    target = 255.0 if share > 0 else 0.0
    channels = [round(channel + (target - channel) * abs(share)) for channel in to_rgb(color)]
    return "#{:02X}{:02X}{:02X}".format(*channels)


def blend(colors: Sequence[str], position: float) -> str:
    """Return the colour at `position`, 0 to 1, of a smooth scale: a uniform B-spline, as d3 has it."""
    channels = [to_rgb(color) for color in colors]
    position = min(max(position, 0.0), 1.0)
    last = len(channels) - 1
    left = min(int(position * last), last - 1)
    weights = _spline_weights(position * last - left)
    before = [2 * a - b for a, b in zip(channels[0], channels[1], strict=True)]
    after = [2 * a - b for a, b in zip(channels[-1], channels[-2], strict=True)]
    points = [before, *channels, after][left : left + 4]
    mixed = [sum(weight * point[i] for weight, point in zip(weights, points, strict=True)) for i in range(3)]
    return "#{:02X}{:02X}{:02X}".format(*(round(min(max(channel, 0), 255)) for channel in mixed))


def _spline_weights(t: float) -> tuple[float, float, float, float]:
    return (
        (1 - t) ** 3 / 6,
        (4 - 6 * t**2 + 3 * t**3) / 6,
        (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6,
        t**3 / 6,
    )
