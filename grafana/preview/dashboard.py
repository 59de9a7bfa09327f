"""A Grafana dashboard as its JSON file describes it, checked as far as the preview needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]

TargetFormat = Literal["time_series", "table", "heatmap"]
GRID_COLUMNS = 24


class DashboardError(ValueError):
    """A dashboard file is not what Grafana would take; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel."""

    ref_id: str
    expr: str
    instant: bool
    format: TargetFormat
    legend: str
    interval: str
    """Smallest step, such as `30s`; empty for the data source's scrape interval."""
    exemplars: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A place on the page, in 24 columns and rows of 38 pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; what only its own type knows stays as JSON."""

    id: int
    type: str
    title: str
    grid: Grid
    description: str = ""
    targets: tuple[Target, ...] = ()
    options: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    """Field configuration for every field."""
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    max_data_points: int | None = None
    problem: str | None = None
    """Why it cannot be drawn, None when it reads well."""


@dataclass(frozen=True, slots=True)
class Section:
    """The panels below one row heading; the panels before the first heading have none."""

    title: str | None
    collapsed: bool
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of the dashboard."""

    name: str
    type: str
    label: str
    query: str
    multi: bool
    include_all: bool
    all_value: str | None
    hide: bool
    current: tuple[str, ...]
    options: tuple[str, ...] = ()
    """Of a custom variable; those of a query come from Prometheus."""
    regex: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks on all graphs for as long as a query returns series."""

    name: str
    expr: str
    color: str
    title: str
    text: str
    step: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
    links: tuple[Json, ...]
    refresh: str
    time_from: str
    time_to: str

    def panels(self) -> Iterator[Panel]:
        """Yield every panel from top to bottom, those of collapsed rows included."""
        for section in self.sections:
            yield from section.panels

    def panel(self, panel_id: int) -> Panel | None:
        """Return the panel with this id, None when there is none."""
        return next((panel for panel in self.panels() if panel.id == panel_id), None)


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that holds no dashboard, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class Loaded:
    """All that a folder holds."""

    dashboards: dict[str, Dashboard] = field(default_factory=dict)
    """By uid."""
    broken: list[BrokenFile] = field(default_factory=list)
