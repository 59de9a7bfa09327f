"""Thresholds, value mappings, overrides and links of a panel's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

COUNT = "none"
"""Unit of whole things: unlike `short`, it does not make 4 K of 4213."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value, or on a panel's corner, leads."""

    title: str
    url: str
    new_tab: bool = False

    def json(self) -> Json:
        """The link as Grafana stores it."""
        link: Json = {"title": self.title, "url": self.url}
        return link | {"targetBlank": True} if self.new_tab else link


def thresholds(base: str, *steps: tuple[float, str]) -> Json:
    """Colours by value: `base` below the first step, then each step's colour from its value up."""
    # The first step's value is null, which means minus infinity.
    first: Json = {"color": base, "value": None}
    return {"mode": "absolute", "steps": [first, *({"color": colour, "value": at} for at, colour in steps)]}


def graded(first: str, *steps: tuple[float, str]) -> Json:
    """Colours of numbers from zero up: `first`, then those of the steps. Missing values have none."""
    return thresholds("text", (0, first), *steps)


def value_mapping(texts: Mapping[int, tuple[str, str]]) -> Json:
    """Words for numbers: `{1: ("idle", "blue")}` shows 1 as a blue "idle"."""
    options = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return {"type": "value", "options": options}


def range_mapping(from_: float | None, to: float | None, text: str, colour: str) -> Json:
    """A word for a range of numbers; None means no limit."""
    return {"type": "range", "options": {"from": from_, "to": to, "result": {"text": text, "color": colour}}}


def mapped_words(mapping: Json) -> list[str]:
    """The words in a mapping."""
    options = mapping["options"]
    results = options.values() if mapping["type"] == "value" else [options["result"]]
    return [result["text"] for result in results]


def override(field: str, properties: Mapping[str, Any]) -> Json:
    """Properties that differ from the panel's, for the field or series of this name."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": id_, "value": value} for id_, value in properties.items()],
    }


def rename_series(pattern: str, name: str) -> Json:
    """A transformation that renames the series matched by a regular expression in slashes."""
    return {"id": "renameByRegex", "options": {"regex": pattern, "renamePattern": name}}


def fixed_colour(colour: str) -> Json:
    """A colour setting that does not depend on the value."""
    return {"mode": "fixed", "fixedColor": colour}
