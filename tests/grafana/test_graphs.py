"""How graphs draw: a colour for each name, gaps as gaps, axes that show small values, plain units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from proofs.harness.boards import BOARDS, Json, data_panels
from rq_mon import catalogue

GRAPHS = [
    pytest.param(panel, id=f"{uid}: {panel['title']}")
    for uid, board in BOARDS.items()
    for panel in data_panels(board)
    if panel["type"] == "timeseries"
]
LOGARITHMIC = {
    "Run time",
    "Run time p95 by queue",
    "Run time p95 by function",
    "Wait p95 by queue",
    "Wait and run time",
}
"""Quantiles: the slowest are a thousand times the others."""

UNITS = {
    *("none", "s", "bytes", "percentunit", "dateTimeFromNow", "time:MMM D HH:mm"),
    *("ops", "suffix:/min", "suffix:jobs/s", "suffix:samples/s"),
}
"""Grafana shows ops as ops/s. Other units, such as cps (c/s), mean nothing to a reader."""


def custom(panel: Json) -> Json:
    found: Json = panel["fieldConfig"]["defaults"]["custom"]
    return found


@pytest.mark.parametrize("panel", GRAPHS)
def test_a_series_gets_its_colour_from_its_name(panel: Json) -> None:
    """Not the colour of its position, which changes when another series appears or ends."""
    assert panel["fieldConfig"]["defaults"]["color"] == {"mode": "palette-classic-by-name"}


def colours(panel: Json) -> Iterator[tuple[str, str]]:
    """Names with a colour of their own in a panel: series, and words for values."""
    for override in panel["fieldConfig"]["overrides"]:
        for item in override["properties"]:
            if item["id"] == "color":
                yield override["matcher"]["options"], item["value"]["fixedColor"]
            if item["id"] == "mappings":
                yield from words(item["value"])
    yield from words(panel["fieldConfig"]["defaults"].get("mappings", []))


def words(mappings: list[Json]) -> Iterator[tuple[str, str]]:
    for mapping in mappings:
        if mapping["type"] == "value":
            yield from ((one["text"], one["color"]) for one in mapping["options"].values())


def test_a_name_has_one_colour_on_all_dashboards() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for board in BOARDS.values():
        for panel in data_panels(board):
            for name, colour in colours(panel):
                found[name].add(colour)

    assert {name: several for name, several in found.items() if len(several) > 1} == {}
    assert found["failed"] == {"red"}


def test_the_packages_own_exceptions_have_fixed_colours_in_every_graph() -> None:
    of_exceptions = [
        dict(colours(panel.values[0]))  # type: ignore[arg-type]
        for panel in GRAPHS
        if "{{exception}}" in str(panel.values[0])
    ]

    assert len(of_exceptions) == 4
    assert [names[catalogue.ABANDONED] for names in of_exceptions] == ["purple"] * 4


@pytest.mark.parametrize("panel", GRAPHS)
def test_gaps_in_the_data_are_drawn_as_gaps(panel: Json) -> None:
    assert custom(panel)["spanNulls"] is False


@pytest.mark.parametrize("panel", GRAPHS)
def test_graphs_with_a_wide_range_of_values_have_a_logarithmic_axis(panel: Json) -> None:
    scale = custom(panel)["scaleDistribution"]["type"]

    assert (scale == "log") == (panel["title"] in LOGARITHMIC)
    if scale == "log":
        assert "min" not in panel["fieldConfig"]["defaults"]


def test_finished_jobs_do_not_hide_failed_ones() -> None:
    (panel,) = (one for one in data_panels(BOARDS["rq-queue-depth"]) if one["title"] == "Jobs by status")

    assert custom(panel)["stacking"]["mode"] == "none"
    assert custom(panel)["scaleDistribution"]["type"] == "symlog"


def test_units_are_words_that_users_know() -> None:
    units = set()
    for board in BOARDS.values():
        for panel in data_panels(board):
            units |= {panel["fieldConfig"]["defaults"].get("unit")}
            units |= {panel["options"].get("cellValues", {}).get("unit")}
            units |= {
                item["value"]
                for override in panel["fieldConfig"]["overrides"]
                for item in override["properties"]
                if item["id"] == "unit"
            }

    assert units - {None} <= UNITS


def test_a_negative_error_budget_is_shown_as_spent() -> None:
    """Any value below zero: -9900 % adds no information."""
    (panel,) = (one for one in data_panels(BOARDS["rq-overview"]) if one["title"] == "SLOs")
    (budget,) = (
        {item["id"]: item["value"] for item in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "Error budget"
    )

    (mapping,) = budget["mappings"]
    assert mapping["options"] == {"from": None, "to": 0, "result": {"text": "spent", "color": "red"}}
