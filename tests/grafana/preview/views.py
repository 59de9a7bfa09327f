"""A reader's view for tests of what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from grafana.preview.colors import THEMES, ThemeName
from grafana.preview.interpolation import Choice
from grafana.preview.timerange import parse_range
from grafana.preview.view import View

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def make_view(choices: Mapping[str, Choice] | None = None, theme: ThemeName = "dark") -> View:
    """The last six hours in UTC, at 1280 pixels."""
    return View(parse_range("now-6h", "now", NOW), choices or {}, THEMES[theme], NOW, 1280)
