"""What all panels have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafanalib import core as grafanalib

from grafana.layer.fields import Json, Link, thresholds
from grafana.layer.query import DATA_SOURCE

PLUGIN_VERSION = "13.2.3"
"""The version of Grafana whose options these panels use."""

REDUCE_TO_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
LEGENDS: dict[str, Json] = {
    "bottom": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
    "right": {
        "showLegend": True,
        "displayMode": "table",
        "placement": "right",
        "calcs": ["lastNotNull", "mean", "max"],
    },
    "none": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
}
GREEN = thresholds("green")
PLAIN = thresholds("text")
"""The colour of text: for numbers that are neither good nor bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel of any type.

    grafanalib's panels have Grafana's options of years ago, so this does not use them.
    """

    type: str
    title: str
    description: str | None = None
    options: Json
    targets: Sequence[Json] = ()
    """Its queries; none for a panel without data."""
    most_points: int | None = None
    """Of a panel over time, or of one with `$__interval`."""
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    links: Sequence[Link] = ()
    id: int | None = None
    position: grafanalib.GridPos | None = None

    def to_json_data(self) -> Json:
        """The panel as Grafana stores it; grafanalib's encoder calls this."""
        data = {
            "datasource": DATA_SOURCE,
            "targets": self.targets,
            "transformations": self.transformations,
            "fieldConfig": {"defaults": self.defaults, "overrides": self.overrides},
            "maxDataPoints": self.most_points,
        }
        return {
            "id": self.id,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": self.position,
            "pluginVersion": PLUGIN_VERSION,
            "options": self.options,
            "links": [link.json() for link in self.links],
            **(data if self.targets else {}),
        }
