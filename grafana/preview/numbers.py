"""Numbers as JavaScript prints them, which is how Grafana prints them."""

from __future__ import annotations

import math
from decimal import Decimal


def to_string(value: float) -> str:
    """Return what String(value) gives in JavaScript: the shortest digits, no exponent for common sizes."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    digits = Decimal(repr(float(value)))
    if 1e-6 <= abs(value) < 1e21:
        text = format(digits, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = format(digits.normalize(), "e").partition("e")
    return f"{mantissa}e{'-' if int(exponent) < 0 else '+'}{abs(int(exponent))}"


def to_fixed(value: float, decimals: int | None) -> str:
    """Round to `decimals` places; without them, to as many as the size of the value makes sensible."""
    if not math.isfinite(value):
        return to_string(value)
    places = sensible_decimals(value) if decimals is None else decimals
    factor = 10 ** max(0, places)
    text = to_string(_round_half_up(value * factor) / factor)
    if "e" in text or places <= 0:
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(places, '0')}"


def sensible_decimals(value: float) -> int:
    """Return the number of decimals that shows three significant digits; none for whole numbers."""
    if value == 0 or value % 1 == 0:
        return 0
    return max(0, 2 - math.floor(math.log10(abs(value))))


def _round_half_up(value: float) -> float:
    """Round as Math.round does: halves go up, not to the even neighbour."""
    return float(math.floor(value + 0.5)) if abs(value) < 2**52 else value
