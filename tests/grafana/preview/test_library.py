"""Dashboard files: what is wrong is said, by file and by panel, and costs nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grafana.preview.dashboard import Dashboard, DashboardError
from grafana.preview.library import Library, read_folder
from grafana.preview.parsing import parse_dashboard


def panel(**changes: Any) -> dict[str, Any]:
    place = {"x": 0, "y": 0, "w": 12, "h": 8}
    target = {"refId": "A", "expr": "up", "format": "table", "instant": True}
    return {"id": 1, "type": "table", "title": "T", "gridPos": place, "targets": [target]} | changes


def board(*panels: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"uid": "one", "title": "One", "panels": list(panels)} | changes


def problem_of(**changes: Any) -> str | None:
    return next(parse_dashboard(board(panel(**changes))).panels()).problem


def test_panels_are_cut_into_sections_at_their_headings() -> None:
    row = {"type": "row", "title": "Below", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 1}}
    collapsed = row | {
        "title": "Closed",
        "collapsed": True,
        "panels": [panel(id=3)],
        "gridPos": {"x": 0, "y": 20, "w": 24, "h": 1},
    }
    below = panel(id=2, gridPos={"x": 0, "y": 9, "w": 12, "h": 8})
    dashboard = parse_dashboard(board(collapsed, below, row, panel()))
    assert [(s.title, s.collapsed, [p.id for p in s.panels]) for s in dashboard.sections] == [
        (None, False, [1]),
        ("Below", False, [2]),
        ("Closed", True, [3]),
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"gridPos": {"x": 20, "y": 0, "w": 12, "h": 8}}, "within 24 columns"),
        ({"gridPos": {"x": "0", "y": 0, "w": 12, "h": 8}}, "whole numbers"),
        ({"gridPos": None}, "gridPos: expected an object, got NoneType"),
        ({"title": 5}, "title: expected a text, got 5"),
        ({"targets": [{"refId": "B"}]}, "target B: expected PromQL in expr"),
        ({"targets": [{"expr": "up", "format": "logs"}]}, "got 'logs'"),
        ({"targets": {}}, "targets: expected a list, got dict"),
    ],
)
def test_odd_panel_is_kept_with_its_problem(changes: dict[str, Any], problem: str) -> None:
    found = problem_of(**changes)
    assert found is not None
    assert problem in found


def test_sound_panel_has_no_problem() -> None:
    assert problem_of() is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ([], "the file: expected an object, got list"),
        ({"title": "x"}, "uid: expected"),
        (board(panels={}), "panels: expected a list, got dict"),
        (board(templating=[]), "templating: expected an object, got list"),
        (board(uid=7), "uid: expected a text, got 7"),
    ],
)
def test_file_that_is_no_dashboard_is_refused_with_a_reason(raw: object, reason: str) -> None:
    with pytest.raises(DashboardError, match=reason.replace("[", r"\[")):
        parse_dashboard(raw)


def test_broken_files_are_named_and_the_others_are_there(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(board(panel())))
    (tmp_path / "b.json").write_text('{"uid": ')
    (tmp_path / "c.json").write_text(json.dumps(board()))
    (tmp_path / "d.json").write_bytes(b"\xff\xfe")
    loaded = read_folder(tmp_path)
    assert list(loaded.dashboards) == ["one"]
    assert [file.name for file in loaded.broken] == ["b.json", "c.json", "d.json"]
    assert "'one' is used by another file too" in loaded.broken[1].reason


def test_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    library = Library(tmp_path)
    assert library.load().dashboards == {}
    (tmp_path / "a.json").write_text(json.dumps(board(title="Before")))
    assert library.load().dashboards["one"].title == "Before"
    (tmp_path / "a.json").write_text(json.dumps(board(title="Afterwards")))
    assert library.load().dashboards["one"].title == "Afterwards"


def test_home_is_the_overview(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(board()))
    library = Library(tmp_path)
    assert _uid(library.home()) == "one"
    (tmp_path / "z.json").write_text(json.dumps(board(uid="rq-overview")))
    assert _uid(library.home()) == "rq-overview"


def _uid(dashboard: Dashboard | None) -> str | None:
    return dashboard.uid if dashboard else None
