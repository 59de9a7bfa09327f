"""What a panel's drawing is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dash import dcc, html
from dash.development.base_component import Component

from grafana.preview.colors import Theme
from grafana.preview.dashboard import Panel
from grafana.preview.display import FieldDisplay
from grafana.preview.frames import Field, Frame
from grafana.preview.links import Link, Row, make_links
from grafana.preview.query import PanelData, Source
from grafana.preview.view import View

State = Literal["data", "empty", "error"]
Children = Any
"""What Dash takes as children: a component, a text, or a list of them."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The inside of a panel: a graph with its legend, or something else."""

    body: Children = None
    state: State = "data"
    figure: dict[str, Any] | None = None
    """For Plotly; the page has a graph for it, which stays when its figure changes."""
    legend: Children = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One panel with its data, as one reader looks at it."""

    panel: Panel
    view: View
    data: PanelData
    source: Source
    choices: Mapping[str, Any] = field(default_factory=dict)
    """What the reader chose within the panel: `isolated` (a series), `sort` (a column)."""

    @property
    def theme(self) -> Theme:
        """The colours to draw with."""
        return self.view.theme

    def series(self) -> list[tuple[Frame, Field]]:
        """Return every number field that is not hidden, with its frame, in order."""
        return [
            (frame, item)
            for frame in self.data.frames
            for item in frame.fields_of_type("number")
            if not ((item.config.get("custom") or {}).get("hideFrom") or {}).get("viz")
        ]

    def display(self, item: Field, index: int = 0) -> FieldDisplay:
        """Return what makes words and colours of the field's values."""
        return FieldDisplay(item, self.theme, self.view.now, index)

    def links(self, frame: Frame, item: Field, index: int | None = None, text: str = "") -> list[Link]:
        """Return the links of a value, or of a whole series."""
        return make_links(item.config.get("links") or (), self.view, Row(frame, item, index, text))


def no_data(scene: Scene) -> Drawing:
    """Return what an empty panel says."""
    text = str(scene.panel.defaults.get("noValue") or "No data")
    return Drawing(html.Div(text, className="no-data"), "empty")


def anchor(link: Link, children: Children, class_name: str = "") -> Component:
    """Return a link that a reader can click; pages of other servers open in a new tab."""
    if link.new_tab:
        return html.A(
            children,
            href=link.href,
            title=link.title,
            className=class_name,
            target="_blank",
            rel="noopener noreferrer",
        )
    return dcc.Link(children, href=link.href, title=link.title, className=class_name)


def calcs_of(options: Mapping[str, Any]) -> Sequence[str]:
    """Return the calculations that reduce a series, the last value where none is named."""
    return (options.get("reduceOptions") or {}).get("calcs") or ("lastNotNull",)
