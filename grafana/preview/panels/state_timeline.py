"""State timeline: a row a series, coloured and named by its state over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grafana.preview.colors import with_opacity
from grafana.preview.frames import Field, Frame
from grafana.preview.panels.figure import base_layout, plain
from grafana.preview.panels.legend import Entry, draw_legend
from grafana.preview.panels.marks import mark_shapes
from grafana.preview.panels.scene import Drawing, Scene, no_data

State = tuple[str, str]
"""Its words and its colour."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time through which a series stayed in one state; milliseconds since 1970."""

    row: int
    start: float
    end: float
    state: State


def draw(scene: Scene) -> Drawing:
    """Draw one row a series, the first on top."""
    series = scene.series()
    spans = [span for row, (frame, field) in enumerate(series) for span in _spans(scene, frame, field, row)]
    if not spans:
        return no_data(scene)
    states = dict.fromkeys(span.state for span in spans)
    layout = base_layout(scene) | {
        "barmode": "overlay",
        "bargap": 1 - float(scene.panel.options.get("rowHeight", 0.9)),
        "hovermode": "closest",
        "shapes": mark_shapes(scene),
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(series))),
            "ticktext": [plain(field.display_name) for _, field in series],
            "range": [len(series) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
            "ticklabelstandoff": 6,
        },
    }
    traces = [_bars(scene, name, color, spans, series) for name, color in states]
    entries = [Entry(name, color) for name, color in states]
    legend = draw_legend(entries, scene.panel.options, scene.panel.id)
    return Drawing(figure={"data": traces, "layout": layout}, legend=legend)


def _spans(scene: Scene, frame: Frame, field: Field, row: int) -> Iterator[Span]:
    """Join neighbouring samples of the same state; a gap ends it."""
    display = scene.display(field, row)
    states = [(str(shown), shown.color) for shown in map(display, field.values)]
    time = frame.time_field()
    moments = list(time.values) if time else []
    ends = [*moments[1:], *(moment + scene.data.step * 1000 for moment in moments[-1:])]
    start: float | None = None
    for index, (moment, end, state) in enumerate(zip(moments, ends, states, strict=True)):
        start = moment if start is None else start
        if states[index + 1 : index + 2] != [state]:
            if field.values[index] is not None:
                yield Span(row, start, end, state)
            start = None


def _bars(
    scene: Scene, name: str, color: str, spans: Sequence[Span], series: Sequence[tuple[Frame, Field]]
) -> dict[str, Any]:
    mine = [span for span in spans if span.state == (name, color)]
    custom = scene.panel.defaults.get("custom") or {}
    shows_value = scene.panel.options.get("showValue", "auto") != "never"
    opacity = custom.get("fillOpacity", 70) / 100
    return {
        "type": "bar",
        "orientation": "h",
        "name": plain(name),
        "y": [span.row for span in mine],
        "base": [span.start for span in mine],
        "x": [span.end - span.start for span in mine],
        "marker": {
            "color": with_opacity(color, opacity),
            "line": {"width": custom.get("lineWidth", 0), "color": color},
        },
        "text": [plain(name)] * len(mine) if shows_value else None,
        "textposition": "inside" if shows_value else "none",
        "insidetextanchor": "start",
        "customdata": [
            [plain(series[span.row][1].display_name), plain(_duration(scene, span))] for span in mine
        ],
        "meta": {"name": plain(name)},
        "hovertemplate": "%{customdata[0]}: <b>%{meta.name}</b><br>for %{customdata[1]}<extra></extra>",
    }


def _duration(scene: Scene, span: Span) -> str:
    seconds = Field("", "number", [], config={"unit": "dtdurations", "decimals": 1})
    return str(scene.display(seconds)(round((span.end - span.start) / 1000)))
