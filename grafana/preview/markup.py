"""Attributes of HTML elements that Python cannot spell."""

from __future__ import annotations

from typing import Any


def attributes(**values: str) -> dict[str, Any]:
    """Return data- and aria- attributes: `attributes(data_from="now-1h")` gives `{"data-from": "now-1h"}`."""
    return {name.replace("_", "-"): value for name, value in values.items()}
