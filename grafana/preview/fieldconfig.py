"""Field configuration: a panel's defaults, and its overrides for the fields that their matchers choose."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from grafana.preview.dashboard import Json, Panel
from grafana.preview.frames import Field, Frame

Matcher = Callable[[Field, Frame, Any], bool]


class UnknownMatcherError(ValueError):
    """An override chooses its fields in a way that the preview does not have."""


def _has_name(field: Field, _frame: Frame, name: Any) -> bool:
    return name in (field.display_name, field.name)


def _name_matches(field: Field, _frame: Frame, pattern: Any) -> bool:
    # Grafana stores it as a JavaScript literal, /pattern/.
    return re.search(str(pattern).removeprefix("/").removesuffix("/"), field.display_name) is not None


DEFAULTS: dict[str, Json] = {"timeseries": {"color": {"mode": "palette-classic"}}}
"""What Grafana takes for granted in a panel of the type."""

MATCHERS: dict[str, Matcher] = {
    "byName": _has_name,
    "byRegexp": _name_matches,
    "byFrameRefID": lambda _field, frame, ref_id: frame.ref_id == ref_id,
    "byType": lambda field, _frame, type_: field.type == type_,
}


def configure(panel: Panel, frames: Sequence[Frame]) -> list[Frame]:
    """Give every field its configuration.

    Raises:
        UnknownMatcherError: an override has a matcher that the preview does not know.
    """
    return [
        replace(frame, fields=tuple(_configure(panel, field, frame) for field in frame.fields))
        for frame in frames
    ]


def _configure(panel: Panel, field: Field, frame: Frame) -> Field:
    config = DEFAULTS.get(panel.type, {}) | copy.deepcopy(panel.defaults)
    if field.type != "number":
        config.pop("unit", None)
    for override in panel.overrides:
        matcher = override.get("matcher", {})
        if matcher.get("id") not in MATCHERS:
            raise UnknownMatcherError(
                f"the preview has no override matcher {matcher.get('id')!r}; it has {', '.join(MATCHERS)}"
            )
        if MATCHERS[matcher["id"]](field, frame, matcher.get("options")):
            for item in override.get("properties", ()):
                _set(config, item["id"], item.get("value"))
    return replace(field, config=config)


def _set(config: Json, path: str, value: Any) -> None:
    """Set `custom.width` and the like in the nested configuration."""
    *parents, last = path.split(".")
    for parent in parents:
        config = config.setdefault(parent, {})
    config[last] = value
