"""Whatever a dashboard holds: the preview draws it, or says which file or panel it cannot draw, and why."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dash.development.base_component import Component
from hypothesis import strategies as st

from grafana.preview.callbacks import Callbacks
from grafana.preview.datasource import DataSource
from grafana.preview.library import Library, read_folder
from grafana.preview.panel import draw_panel
from grafana.preview.prometheus import PrometheusClient
from grafana.preview.query import Source
from grafana.preview.view import load_view
from proofs.harness.boards import BOARDS, data_panels
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from tests.fuzz.tried import throw

END = 1_750_003_200
START = END - 900

Json = dict[str, Any]

PANELS = [
    {**copy.deepcopy(panel), "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}}
    for board in BOARDS.values()
    for panel in data_panels(board)
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ['<img src=x onerror="x()">', "${queue", "$__range", "javascript:x()", "now-1y/y", "9" * 400]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a tree of JSON something can be changed."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


@st.composite
def broken(draw: st.DrawFn, originals: list[Json]) -> Json:
    """One of the originals in which up to three places hold something else, or nothing."""
    tree = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(sorted(places(tree), key=str)))
        parent = tree
        for key in place[:-1]:
            parent = parent[key]
        if draw(st.booleans()) and isinstance(parent, dict):
            del parent[place[-1]]
        else:
            parent[place[-1]] = draw(json_values)
    return tree


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """A Prometheus that answers what the dashboards ask, for a quarter of an hour."""
    server = RecordedPrometheus(tmp_path_factory.mktemp("prometheus"))
    History(START).write(server.directory / "history.txt", START, END, lambda _: 15)
    server.import_samples(server.directory / "history.txt")
    with server:
        yield Source(PrometheusClient(server.url), DataSource())


def open_view(callbacks: Callbacks, uid: str) -> Json | None:
    browser = {"zone": "UTC", "width": 1280}
    search = f"?from={START}000&to={END}000"
    opened = callbacks.open_view({"uid": uid}, search, browser, None, [], [], [], None)
    return opened[0] if isinstance(opened[0], dict) else None


def write(folder: Path, board: Json) -> None:
    (folder / "board.json").write_text(json.dumps(board), encoding="utf-8")


def to_json(component: object) -> str:
    """What the browser is sent; it must be JSON, whatever the component was made of."""
    return json.dumps(component, default=_plain)


def _plain(component: Component) -> Any:
    return component.to_plotly_json()  # type: ignore[no-untyped-call]


@pytest.mark.slow
@pytest.mark.needs("prometheus", "promtool")
@throw("the preview's panels", 200, panel=broken(PANELS))
def test_a_broken_panel_is_drawn_or_named(panel: Json, source: Source, tmp_path: Path) -> None:
    board = {
        "uid": "fuzzed",
        "title": "Fuzzed",
        "panels": [panel],
        "templating": BOARDS["rq-overview"]["templating"],
    }
    write(tmp_path, board)
    library = Library(tmp_path)
    callbacks = Callbacks(library, source)

    page, _ = callbacks.open_page("/d/fuzzed")

    assert to_json(page)
    for dashboard in library.load().dashboards.values():
        view = open_view(callbacks, "fuzzed")
        assert view is not None
        for section in dashboard.sections:
            for each in section.panels:
                drawing = draw_panel(each, dashboard, load_view(view), source, {})
                assert to_json(drawing.body)
                if drawing.state == "error":
                    assert re.search(rf"Panel {each.id} |query |Prometheus", to_json(drawing.body))


@pytest.mark.slow
@throw("the preview's files", 200, board=broken(list(BOARDS.values())))
def test_a_broken_file_is_read_or_named(board: Json, tmp_path: Path) -> None:
    write(tmp_path, board)

    loaded = read_folder(tmp_path)

    assert [file.name for file in loaded.broken] == ([] if loaded.dashboards else ["board.json"])
    assert all(file.reason for file in loaded.broken)


@throw(
    "the preview's files", 100, content=st.binary(max_size=100) | json_values.map(json.dumps).map(str.encode)
)
def test_a_file_that_holds_anything_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "board.json").write_bytes(content)

    loaded = read_folder(tmp_path)

    assert not loaded.dashboards
    assert loaded.broken[0].name == "board.json"
    assert loaded.broken[0].reason
