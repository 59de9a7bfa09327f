"""Table: columns with units, colours and links; a click on a header sorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from grafana.preview.colors import readable_text_on, shade
from grafana.preview.display import Display
from grafana.preview.frames import Field, Frame, Value
from grafana.preview.markup import attributes
from grafana.preview.panels.scene import Children, Drawing, Scene, anchor, no_data
from grafana.preview.panels.widths import fit, natural_width
from grafana.preview.query import panel_pixels

MOST_ROWS = 1000
FRAME = 18
"""Pixels of a panel that are not the table's."""


class CannotDrawError(ValueError):
    """The panel wants what the preview does not have; the message says what."""


CELL_TYPES = ("auto", "color-text", "color-background")


@dataclass(frozen=True, slots=True)
class Column:
    """One column with how its cells look."""

    field: Field
    cells: Sequence[Display]

    @property
    def custom(self) -> dict[str, Any]:
        """Width, alignment and type of the cells: `fieldConfig.custom` of Grafana."""
        return self.field.config.get("custom") or {}

    @property
    def align(self) -> str:
        """To which side its text goes: numbers to the right unless configured."""
        align = self.custom.get("align", "auto")
        if align == "auto":
            return "right" if self.field.type == "number" else "left"
        return str(align)


def draw(scene: Scene) -> Drawing:
    """Draw the first table that has rows.

    Raises:
        CannotDrawError: a column has a type of cell that the preview does not know.
    """
    frame = next((frame for frame in scene.data.frames if frame.length), None)
    if frame is None:
        return no_data(scene)
    sort = _sorting(scene)
    frame = _sorted(frame, sort)
    columns = [
        Column(field, [scene.display(field, index)(value) for value in field.values[:MOST_ROWS]])
        for index, field in enumerate(frame.fields)
        if not _is_hidden(field)
    ]
    widths = _widths(scene, columns)
    rows = [
        html.Tr([_cell(scene, frame, column, row) for column in columns])
        for row in range(min(frame.length, MOST_ROWS))
    ]
    parts: list[Children] = [html.Colgroup([html.Col(style={"width": f"{width:.0f}px"}) for width in widths])]
    if scene.panel.options.get("showHeader", True):
        parts.append(html.Thead(html.Tr([_header(scene, column, sort) for column in columns])))
    body = html.Table(
        [*parts, html.Tbody(rows)], className="table", style={"minWidth": f"{sum(widths):.0f}px"}
    )
    return Drawing(body)


def _is_hidden(field: Field) -> bool:
    custom = field.config.get("custom") or {}
    return bool(custom.get("hidden") or (custom.get("hideFrom") or {}).get("viz"))


def _widths(scene: Scene, columns: Sequence[Column]) -> list[float]:
    natural = [
        float(column.custom.get("width") or 0)
        or natural_width([f"{column.field.display_name} ↓", *(str(shown) for shown in column.cells)])
        for column in columns
    ]
    return fit(natural, panel_pixels(scene.panel.grid, scene.view) - FRAME)


def _sorting(scene: Scene) -> tuple[str, bool] | None:
    """Return the column to sort by and whether downwards: the reader's choice, else the dashboard's."""
    chosen = scene.choices.get("sort")
    if isinstance(chosen, list) and len(chosen) == 2:
        return str(chosen[0]), chosen[1] == "desc"
    configured = next(iter(scene.panel.options.get("sortBy") or ()), None)
    return (str(configured.get("displayName")), bool(configured.get("desc"))) if configured else None


def _sorted(frame: Frame, sort: tuple[str, bool] | None) -> Frame:
    """Sort by one column; what is missing comes last either way."""
    field = next((field for field in frame.fields if sort and field.display_name == sort[0]), None)
    if field is None or sort is None:
        return frame
    present = [index for index, value in enumerate(field.values) if _is_present(value)]
    missing = [index for index, value in enumerate(field.values) if not _is_present(value)]
    present.sort(key=lambda index: _sort_key(field.values[index]), reverse=sort[1])
    return frame.with_rows([*present, *missing])


def _is_present(value: Value) -> bool:
    return value is not None and value == value


def _sort_key(value: Value) -> Any:
    return value.lower() if isinstance(value, str) else value


def _header(scene: Scene, column: Column, sort: tuple[str, bool] | None) -> html.Th:
    name = column.field.display_name
    direction = "" if sort is None or sort[0] != name else "descending" if sort[1] else "ascending"
    arrow = {"descending": " ↓", "ascending": " ↑"}.get(direction, "")
    button = html.Button(
        [name, html.Span(arrow, **attributes(aria_hidden="true"))],
        type="button",
        className="sort",
        **attributes(
            data_sort_column=name,
            data_sort_next="asc" if direction == "descending" else "desc",
            data_of_panel=str(scene.panel.id),
        ),
    )
    return html.Th(button, style={"textAlign": column.align}, **attributes(aria_sort=direction or "none"))


def _cell(scene: Scene, frame: Frame, column: Column, row: int) -> html.Td:
    shown = column.cells[row]
    colors = _cell_colors(column, shown)
    text: Children = str(shown)
    if links := scene.links(frame, column.field, row, str(shown)):
        text = anchor(links[0], text)
    style = {"textAlign": column.align} | colors
    return html.Td(text, style=style, title=str(shown), className="colored" if colors else "")


def _cell_colors(column: Column, shown: Display) -> dict[str, str]:
    options = column.custom.get("cellOptions") or {}
    kind = options.get("type", "auto")
    if kind not in CELL_TYPES:
        raise CannotDrawError(
            f"the preview has no table cells of type {kind!r}; it has {', '.join(CELL_TYPES)}"
        )
    if kind == "color-text":
        return {"color": shown.color}
    if kind == "color-background" and shown.color.startswith("#"):
        gradient = f"linear-gradient(120deg, {shade(shown.color, -0.15)}, {shown.color})"
        background = gradient if options.get("mode") == "gradient" else shown.color
        return {"background": background, "color": readable_text_on(shown.color)}
    return {}
