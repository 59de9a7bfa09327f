"""Value mappings: words and colours in the place of values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from grafana.preview.numbers import to_string

Result = dict[str, Any]
"""`text` and `color`, either of which may be missing."""


def map_value(mappings: Sequence[dict[str, Any]], value: float | str | None) -> Result | None:
    """Return the result of the first mapping that the value fits, None when none does."""
    for mapping in mappings:
        options = mapping.get("options", {})
        match mapping.get("type"):
            case "value":
                result = _by_value(options, value)
            case "range":
                result = _by_range(options, value)
            case "regex":
                result = _by_regex(options, value)
            case "special":
                result = options.get("result") if _is_special(options.get("match"), value) else None
            case _:
                result = None
        if result is not None:
            return result
    return None


def _by_value(options: Result, value: float | str | None) -> Result | None:
    if value is None:
        return None
    return options.get(to_string(value) if isinstance(value, (int, float)) else value)


def _by_range(options: Result, value: float | str | None) -> Result | None:
    try:
        number = math.nan if value is None else float(value)
    except ValueError:
        return None
    low, high = options.get("from"), options.get("to")
    if math.isnan(number) or (low is not None and number < low) or (high is not None and number > high):
        return None
    return options.get("result")


def _by_regex(options: Result, value: float | str | None) -> Result | None:
    if not isinstance(value, str):
        return None
    pattern = re.compile(str(options.get("pattern", "")).removeprefix("/").removesuffix("/"))
    if not pattern.search(value):
        return None
    result = dict(options.get("result", {}))
    if "text" in result:
        result["text"] = pattern.sub(re.sub(r"\$(\d)", r"\\\1", result["text"]), value, count=1)
    return result


def _is_special(match: object, value: float | str | None) -> bool:
    is_nan = isinstance(value, float) and math.isnan(value)
    return {
        "null": value is None,
        "nan": is_nan,
        "null+nan": value is None or is_nan,
        "empty": value == "",
    }.get(str(match), False)
