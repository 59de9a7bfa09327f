"""The legend beside or below a graph: names, and with them numbers; a click shows one series alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from grafana.preview.display import FieldDisplay
from grafana.preview.markup import attributes
from grafana.preview.panels.scene import Children
from grafana.preview.reducers import reduce_values, reducer_title


@dataclass(frozen=True, slots=True)
class Entry:
    """One series, or one state."""

    name: str
    color: str
    display: FieldDisplay | None = None
    """Of the series, for its calculations."""
    shown: bool = True


def draw_legend(entries: Sequence[Entry], options: Mapping[str, Any], panel_id: int) -> Children:
    """Return the legend as the panel's options want it, None without."""
    legend = options.get("legend") or {}
    if not legend.get("showLegend", True):
        return None
    calcs = legend.get("calcs") or ()
    is_table = legend.get("displayMode") == "table"
    return _table(entries, calcs, panel_id) if is_table else _list(entries, calcs, panel_id)


def _toggle(entry: Entry, panel_id: int) -> html.Button:
    return html.Button(
        [html.Span(className="swatch", style={"background": entry.color}), html.Span(entry.name)],
        type="button",
        className="series" if entry.shown else "series series-hidden",
        title="Show only this series; once more for all",
        **attributes(data_series=entry.name, data_of_panel=str(panel_id)),
    )


def _list(entries: Sequence[Entry], calcs: Sequence[str], panel_id: int) -> html.Ul:
    return html.Ul(
        [html.Li([_toggle(entry, panel_id), *(_inline(entry, calc) for calc in calcs)]) for entry in entries],
        className="legend-list",
    )


def _inline(entry: Entry, calc: str) -> html.Span:
    return html.Span(f"{reducer_title(calc)}: {_calculate(entry, calc)}", className="legend-calc")


def _table(entries: Sequence[Entry], calcs: Sequence[str], panel_id: int) -> html.Table:
    head = html.Tr([html.Th("Name"), *(html.Th(reducer_title(calc)) for calc in calcs)])
    rows = [
        html.Tr([html.Td(_toggle(entry, panel_id)), *(html.Td(_calculate(entry, calc)) for calc in calcs)])
        for entry in entries
    ]
    return html.Table([html.Thead(head), html.Tbody(rows)], className="legend-table")


def _calculate(entry: Entry, calc: str) -> str:
    if entry.display is None:
        return ""
    return str(entry.display(reduce_values(entry.display.field.numbers(), calc)))
