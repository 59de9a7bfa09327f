"""A broken part of a dashboard is reported in its place, and everything else is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from proofs.harness.browser import DashboardView, open_browser, open_dashboard
from tests.grafana.viewer.boards import FIRING, MENU, QUEUE_VARIABLE, Json, board, panel, write_board
from tests.grafana.viewer.prometheus import SyntheticPrometheus
from tests.harness.viewer import running_viewer

pytestmark = [pytest.mark.e2e(seconds=5), pytest.mark.needs("chromium", "prometheus", "promtool")]


def override(matcher: Json | None, **value: object) -> Json:
    """Changes of a panel: overrides of its fields' units, or of what is given."""
    properties = [{"id": name, "value": one} for name, one in (value or {"unit": "s"}).items()]
    named = {} if matcher is None else {"matcher": matcher}
    return {"fieldConfig": {"defaults": {}, "overrides": [named | {"properties": properties}]}}


def defaults(**fields: object) -> Json:
    return {"fieldConfig": {"defaults": fields, "overrides": []}}


ALL = {"id": "byType", "options": "number"}
BROKEN_PANELS: dict[str, tuple[Json, str]] = {
    "No matcher": (override(None), "overrides: expected a list of overrides, each with a matcher"),
    "Matcher of nothing": (override({"id": "byNames", "options": None}), "TypeError: "),
    "Threshold of an override": (override(ALL, thresholds={"steps": [None]}), "thresholds: expected steps"),
    "Threshold": (defaults(thresholds={"mode": "absolute", "steps": ["red"]}), "thresholds: expected steps"),
    "Colour": (defaults(color={"mode": "fixed", "fixedColor": ["red"]}), "color: expected a mode"),
    "Mapping": (defaults(mappings=[None]), "mappings: expected a list of mappings"),
    "Link of a field": (defaults(links="/d/other"), "links: expected a list of links"),
    "Link": ({"links": [{"title": {}}]}, "links: expected a list of links"),
    "Reducer": (
        {"type": "timeseries", "options": {"legend": {"displayMode": "table", "calcs": ["no-such"]}}},
        'Error: "no-such" not found',
    ),
    "Below the page": ({"gridPos": {"x": 0, "y": 10**9, "w": 8, "h": 8}}, "gridPos: expected x, y, w and h"),
    "A method": ({"type": "constructor"}, "does not draw panels of type constructor"),
    "A row": ({"type": "row", "gridPos": None}, "gridPos: expected x, y, w and h"),
}
"""By title: the broken part of the panel, and its error."""

BROKEN_AROUND: Json = {
    "time": {"from": "once", "to": "now"},
    "refresh": {"every": "5s"},
    "links": [MENU, MENU | {"title": {}}, MENU | {"title": "No tags", "tags": "test"}],
    "templating": {
        "list": [
            None,
            QUEUE_VARIABLE,
            QUEUE_VARIABLE | {"name": "label", "label": {"text": "Label"}},
            QUEUE_VARIABLE | {"name": "regex", "regex": "/(/"},
            QUEUE_VARIABLE | {"name": "custom", "type": "custom"},
        ]
    },
    "annotations": {"list": [7, FIRING, FIRING | {"name": "Step", "step": "soon"}]},
}
LEFT_OUT = [
    'Dashboard: time: expected from and to, such as now-1h and now, got {"from":"once","to":"now"}',
    'Dashboard: refresh: expected a time such as 30s, got {"every":"5s"}',
    "Link 2: title: expected text, got {}",
    'Link 3: tags: expected a list of texts, got "test"',
    "Variable 1: expected an object, got null",
    'Variable 3: label: expected text, got {"text":"Label"}',
    'Variable 4: regex: expected a regular expression, got "/(/"',
    'Variable 5: type: expected query or datasource, got "custom"',
    "Annotation 1: expected an object, got 7",
    'Annotation 3: step: expected a time such as 30s, got "soon"',
]


@pytest.fixture(scope="module")
def page(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, synthetic: SyntheticPrometheus
) -> Iterator[DashboardView]:
    """A dashboard with every kind of error in this file, drawn in a browser."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "boards").mkdir()
    whole = panel(0, "timeseries", "Whole", 'queue_depth{queue=~"$queue"}', legend="{{queue}}")
    broken = [
        panel(number, "stat", title, "queue_depth") | changes
        for number, (title, (changes, _)) in enumerate(BROKEN_PANELS.items(), start=1)
    ]
    panels: list[Any] = [None, *broken, whole]
    write_board(folder / "boards", board("broken", "Broken", panels, **BROKEN_AROUND))
    hour = {"from": str((synthetic.end - 3600) * 1000), "to": str(synthetic.end * 1000)}
    with (
        running_viewer(project_root, folder, synthetic.url, folder / "boards") as viewer,
        open_browser() as browser,
    ):
        yield open_dashboard(viewer.url, "broken", browser, query=hour)


def test_a_broken_panel_shows_its_error(page: DashboardView) -> None:
    for title, (_, fault) in BROKEN_PANELS.items():
        expect(page.panel(title).get_by_role("alert")).to_contain_text("This panel cannot be drawn. ")
        expect(page.panel(title).get_by_role("alert")).to_contain_text(fault)


def test_broken_parts_around_the_panels_are_left_out_with_a_banner(page: DashboardView) -> None:
    banner = page.page.get_by_role("alert").filter(has_text="Parts of this dashboard are left out")

    assert banner.inner_text().splitlines()[1:] == LEFT_OUT


def test_everything_else_of_a_broken_dashboard_is_drawn(page: DashboardView) -> None:
    expect(page.panel("Whole").locator(".u-over")).to_have_count(1)
    expect(page.panel("Whole")).to_contain_text("mail")
    expect(page.page.get_by_role("button", name="Dashboards")).to_be_visible()
    expect(page.page.get_by_test_id("choices")).to_contain_text("Queue")
    assert page.page.get_by_text("Loading").count() == 0
    assert page.page.get_by_text("An unexpected error happened").count() == 0
