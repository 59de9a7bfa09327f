"""Titles and columns: terms that need no tooltip, each number once on a dashboard, names of alerts whole."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from proofs.harness.boards import BOARDS, data_panels, panels, queries_of

UNKNOWN = {
    *("Of objective", "Of timeout", "Forgotten in", "Working", "Silent for", "Silence", "Not counting"),
    *("Workers that count nothing", "Lost", "Lost and found", "Losses", "Unserved", "Kept", "Promised"),
}
"""Words of former versions that needed a tooltip."""

COMPARED = {("rq-durations", "Run time"), ("rq-durations", "Wait and run time")}
"""The median run time is shown beside the other quantiles, and beside the median wait."""

WIDEST_LETTER = 7.8
"""Average pixels of a letter in a table, for names of alerts."""
PADDING = 16
LONGEST_IN_LARGE_LETTERS = 14
"""Letters of the text that a number has instead of a value: longer ones would be cut at 1280 pixels."""


@pytest.mark.parametrize("uid", BOARDS)
def test_titles_and_columns_need_no_tooltip(uid: str) -> None:
    columns = {
        name
        for panel in data_panels(BOARDS[uid])
        for transformation in panel["transformations"]
        for name in transformation["options"].get("renameByName", {}).values()
    }

    assert (columns | {panel["title"] for panel in BOARDS[uid]["panels"]}) & UNKNOWN == set()


@pytest.mark.parametrize("uid", BOARDS)
def test_no_two_graphs_of_a_dashboard_draw_the_same(uid: str) -> None:
    drawn = defaultdict(set)
    for query in queries_of(BOARDS[uid]):
        if not query.instant:
            drawn[query.expr].add((uid, query.panel))

    assert [twice for twice in drawn.values() if len(twice) > 1 and twice != COMPARED] == []


@pytest.mark.parametrize("uid", BOARDS)
def test_a_number_without_a_value_has_a_text_that_fits(uid: str) -> None:
    texts = {
        panel["title"]: panel["fieldConfig"]["defaults"].get("noValue") or ""
        for panel in panels(BOARDS[uid])
        if panel["type"] == "stat"
    }

    assert {title: text for title, text in texts.items() if len(text) > LONGEST_IN_LARGE_LETTERS} == {}


@pytest.mark.parametrize("uid", BOARDS)
def test_no_panel_has_the_title_of_a_dashboard(uid: str) -> None:
    dashboards = {board["title"].removeprefix("RQ / ") for board in BOARDS.values()}
    # The graph and the table of which the dashboard says more.
    summaries = {"Queue depth", "Workers"}

    assert {panel["title"] for panel in panels(BOARDS[uid])} & dashboards <= summaries


def test_names_of_alerts_are_shown_whole_and_link_to_their_runbooks(project_root: Path) -> None:
    names = {
        name
        for file in (project_root / "prometheus" / "rules").rglob("*.yml")
        for name in re.findall(r"alert: (\w+)", file.read_text())
    }
    (alerts,) = (panel for panel in panels(BOARDS["rq-overview"]) if panel["title"] == "Active alerts")
    (column,) = (
        {item["id"]: item["value"] for item in override["properties"]}
        for override in alerts["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "Alert"
    )

    assert column["custom.width"] >= WIDEST_LETTER * max(map(len, names)) + PADDING
    assert [link["url"] for link in column["links"]] == [
        "${job_pages:raw}/runbooks/${__data.fields.alertname:percentencode}"
    ]
