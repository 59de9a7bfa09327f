"""What one reader looks at: time range, variables, theme, time zone and width, as the browser sends them.

Everything in it comes from a URL or a request body, so everything is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, cast
from urllib.parse import parse_qs, urlencode
from zoneinfo import ZoneInfo

from grafana.preview.colors import THEMES, Theme, ThemeName
from grafana.preview.interpolation import Choice, format_choice, interpolate, text_lookup, time_builtins
from grafana.preview.timerange import TimeRange, TimeRangeError, parse_range

MAX_VALUES = 200
MAX_LENGTH = 500
NARROWEST, WIDEST = 320, 8000
"""Pixels that a window can sensibly have."""


@dataclass(frozen=True, slots=True)
class View:
    """How a dashboard is looked at."""

    time_range: TimeRange
    choices: Mapping[str, Choice]
    theme: Theme
    now: datetime
    """With the time zone of the browser."""
    width: int
    """Of the window, in pixels."""

    @property
    def url_time_range(self) -> str:
        """The time range as a part of a URL."""
        return urlencode({"from": self.time_range.raw_from, "to": self.time_range.raw_to})

    @property
    def url_variables(self) -> str:
        """All variables as a part of a URL."""
        return "&".join(format_choice(name, choice, "queryparam") for name, choice in self.choices.items())

    def text(self, template: str) -> str:
        """Fill the variables into a title or a text."""
        return interpolate(template, text_lookup(self.choices, time_builtins(self.time_range)))


@dataclass(frozen=True, slots=True)
class Request:
    """What a URL asks for, before anything is asked of Prometheus."""

    time_range: TimeRange
    variables: Mapping[str, list[str]]
    theme: ThemeName
    problem: str | None
    """What in the URL could not be used."""


def parse_search(search: str, default_from: str, default_to: str, now: datetime) -> Request:
    """Read the query string of a dashboard's URL; what cannot be used is reported and the default taken."""
    try:
        query = parse_qs(search.removeprefix("?"), max_num_fields=MAX_VALUES)
    except ValueError:
        query = {}
    problem = None
    raw_from, raw_to = query.get("from", [default_from])[0], query.get("to", [default_to])[0]
    try:
        time_range = parse_range(raw_from, raw_to, now)
    except TimeRangeError as error:
        problem, time_range = str(error), parse_range(default_from, default_to, now)
    variables = {
        name.removeprefix("var-"): [value for value in values if len(value) <= MAX_LENGTH]
        for name, values in query.items()
        if name.startswith("var-")
    }
    theme: ThemeName = "light" if query.get("theme") == ["light"] else "dark"
    return Request(time_range, variables, theme, problem)


def time_zone(name: object) -> tzinfo:
    """Return the time zone of this name, UTC for one that is unknown."""
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return UTC


def window_width(value: object) -> int:
    """Return a width that a window can have."""
    return min(max(value, NARROWEST), WIDEST) if isinstance(value, int) else 1280


def dump_view(request: Request, choices: Mapping[str, Choice], zone: object, width: object) -> dict[str, Any]:
    """Write what the browser keeps, and sends along with each panel's request."""
    return {
        "from": request.time_range.raw_from,
        "to": request.time_range.raw_to,
        "theme": request.theme,
        "zone": str(zone),
        "width": window_width(width),
        "choices": {
            name: [list(choice.values), choice.is_all, choice.all_value, choice.is_multi]
            for name, choice in choices.items()
        },
    }


def load_view(data: Mapping[str, Any]) -> View:
    """Read what dump_view wrote; the browser may send anything in its place.

    Raises:
        ValueError: it is none; the message says what is wrong.
    """
    now = datetime.now(time_zone(data.get("zone")))
    theme = data.get("theme")
    raw = data.get("choices")
    if theme not in THEMES or not isinstance(raw, dict):
        raise ValueError("expected a view as the preview's own page sends it")
    try:
        choices = {
            str(name): Choice(
                tuple(map(str, values)), bool(is_all), all_value and str(all_value), bool(multi)
            )
            for name, (values, is_all, all_value, multi) in raw.items()
        }
    except (TypeError, ValueError) as error:
        raise ValueError("expected a view as the preview's own page sends it") from error
    return View(
        time_range=parse_range(str(data.get("from")), str(data.get("to")), now),
        choices=choices,
        theme=THEMES[cast(ThemeName, theme)],
        now=now,
        width=window_width(data.get("width")),
    )
