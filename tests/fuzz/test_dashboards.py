"""Whatever a dashboard contains: the viewer draws it, or names the file or panel that it cannot draw."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from grafana.viewer.library import read_folder
from proofs.harness.boards import BOARDS, data_panels
from proofs.harness.browser import DashboardView, open_browser
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from proofs.harness.servers import Server
from tests.fuzz.tried import FACTOR, TRIED, throw
from tests.harness.viewer import running_viewer

END = 1_750_003_200
START = END - 900

Json = dict[str, Any]

PANELS = [
    {**copy.deepcopy(panel), "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}}
    for board in BOARDS.values()
    for panel in data_panels(board)
]
AROUND_PANELS = [
    {key: value for key, value in board.items() if key not in ("uid", "title", "tags", "panels")}
    for board in BOARDS.values()
]
BROKEN_PANELS = 12
"""Panels on one page."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ['<img src=x onerror="x()">', "${queue", "$__range", "javascript:x()", "now-1y/y", "9" * 400]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places in a JSON tree that can be changed."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


@st.composite
def broken(draw: st.DrawFn, originals: list[Json]) -> Json:
    """One of the originals with up to three values replaced or removed."""
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


def broken_ones(originals: list[Json], count: int) -> list[Json]:
    """Broken panels from hypothesis, the same in every run except in `make fuzz`."""
    found: list[Json] = []

    @settings(
        max_examples=count, derandomize=FACTOR == 1, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(broken(originals))
    def collect(one: Json) -> None:
        found.append(one)

    collect()
    return found


def page_of(number: int, around: Json, panels: list[Json]) -> Json:
    """A dashboard of broken panels, of broken parts around them, and of a good panel."""
    whole = {
        "id": 900,
        "type": "stat",
        "title": "Whole",
        "gridPos": {"x": 12, "y": 0, "w": 12, "h": 8},
        "targets": [{"refId": "A", "expr": "vector(42)", "instant": True}],
        "fieldConfig": {"defaults": {}, "overrides": []},
    }
    named = {"uid": f"page-{number}", "title": "Broken", "tags": []}
    return around | named | {"panels": [*panels, whole]}


PAGES = 3 * FACTOR


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[Server]:
    """The viewer of dashboards with broken panels; its Prometheus has a quarter of an hour of data."""
    server = RecordedPrometheus(tmp_path_factory.mktemp("prometheus"))
    History(START).write(server.directory / "history.txt", START, END, lambda _: 15)
    server.import_samples(server.directory / "history.txt")
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "boards").mkdir()
    panels = broken_ones(PANELS, PAGES * BROKEN_PANELS)
    for number, around in enumerate(broken_ones(AROUND_PANELS, PAGES)):
        page = page_of(number, around, panels[number::PAGES])
        (folder / "boards" / f"{number}.json").write_text(json.dumps(page), encoding="utf-8")
    with server, running_viewer(project_root, folder, server.url, folder / "boards") as viewer:
        TRIED["the viewer's panels"] += len(panels)
        yield viewer


@pytest.mark.e2e(seconds=30)
@pytest.mark.needs("prometheus", "promtool", "chromium")
def test_a_broken_panel_does_not_affect_the_others(viewer: Server) -> None:
    with open_browser() as browser:
        for number in range(PAGES):
            view = DashboardView(browser.new_page(), viewer.url)
            view.page.goto(f"{viewer.url}/d/page-{number}?from={START}000&to={END}000&refresh=")
            view.settle()  # a panel that breaks the page may come after the good one
            assert view.page.get_by_text("An unexpected error happened").count() == 0
            assert view.page.get_by_text("Loading").count() == 0
            expect(view.panel("Whole")).to_contain_text("42")
            assert view.page.locator("img, [onerror], a[href^='javascript:']").count() == 0
            view.page.close()


@pytest.mark.slow
@throw("the viewer's files", 200, board=broken(list(BOARDS.values())))
def test_a_broken_file_is_read_or_refused_by_name(board: Json, tmp_path: Path) -> None:
    (tmp_path / "board.json").write_text(json.dumps(board), encoding="utf-8")

    loaded = read_folder(tmp_path)

    assert list(loaded.broken) == ([] if loaded.dashboards else ["board.json"])
    assert all(loaded.broken.values())


@throw(
    "the viewer's files", 100, content=st.binary(max_size=100) | json_values.map(json.dumps).map(str.encode)
)
def test_a_file_of_any_bytes_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "board.json").write_bytes(content)

    loaded = read_folder(tmp_path)

    assert not loaded.dashboards
    assert loaded.broken["board.json"]
