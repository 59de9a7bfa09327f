"""The layer over grafanalib: what it refuses, and Grafana's defaults that it corrects."""

from __future__ import annotations

import json

import pytest

from grafana.layer.bar_gauge import bar_gauge
from grafana.layer.dashboard import dashboard, data_source_variable, label_variable, to_json
from grafana.layer.fields import COUNT, Json, range_mapping, thresholds, value_mapping
from grafana.layer.heatmap import heatmap
from grafana.layer.layout import Heading, Row, place, row
from grafana.layer.panel import Panel
from grafana.layer.query import Query
from grafana.layer.stat import stat
from grafana.layer.table import SORT_ARROW, WIDEST_VALUES, Column, Label, table
from grafana.layer.text import text
from grafana.layer.time_series import time_series

QUERY = Query("sum by (room) (people)", "{{room}}")


def made(*rows: Row | Heading) -> Json:
    board = dashboard(
        "rooms",
        "Rooms",
        "Who is where?",
        tag="rooms",
        variables=[
            data_source_variable("prometheus", "Prometheus"),
            label_variable("room", "Room", "people"),
        ],
        annotations=[],
        rows=rows,
    )
    result: Json = json.loads(to_json(board))
    return result


def panel(one: Panel) -> Json:
    result: Json = made(row(4, one))["panels"][0]
    return result


def a_stat(title: str = "People") -> Panel:
    return stat(title, "How many.", QUERY)


def test_panels_share_a_row_evenly_and_rows_stack_up() -> None:
    panels = made(row(4, a_stat(), a_stat(), a_stat()), Heading("More"), row(8, a_stat()))["panels"]

    assert [panel["gridPos"] for panel in panels] == [
        {"x": 0, "y": 0, "w": 8, "h": 4},
        {"x": 8, "y": 0, "w": 8, "h": 4},
        {"x": 16, "y": 0, "w": 8, "h": 4},
        {"x": 0, "y": 4, "w": 24, "h": 1},
        {"x": 0, "y": 5, "w": 24, "h": 8},
    ]
    assert [panel["id"] for panel in panels] == [1, 2, 3, 4, 5]


def test_panels_that_do_not_fill_a_row_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the widths \[10, 10\] of 2 panels must add up to 24"):
        place([row(4, a_stat(), a_stat(), widths=(10, 10))])
    with pytest.raises(ValueError, match="5 panels cannot share 24 columns evenly"):
        place([row(4, *[a_stat()] * 5)])


def test_the_first_threshold_is_null_which_means_minus_infinity() -> None:
    colours = thresholds("green", (80, "red"))

    assert colours["steps"] == [{"color": "green", "value": None}, {"color": "red", "value": 80}]


def test_all_nulls_are_dropped_except_those_that_mean_infinity() -> None:
    json_ = panel(
        stat("People", "How many.", QUERY, mappings=[range_mapping(100, None, "crowd", "red")], decimals=None)
    )

    defaults = json_["fieldConfig"]["defaults"]
    assert "decimals" not in defaults
    assert defaults["mappings"][0]["options"]["to"] is None
    assert defaults["thresholds"]["steps"][0]["value"] is None


def test_numbers_are_shown_as_words_in_the_order_given() -> None:
    assert value_mapping({2: ("two", "red"), 1: ("one", "blue")})["options"] == {
        "2": {"text": "two", "color": "red", "index": 0},
        "1": {"text": "one", "color": "blue", "index": 1},
    }


def test_a_stat_reads_the_latest_value_and_has_no_sparkline() -> None:
    json_ = panel(a_stat())

    assert json_["targets"][0]["instant"] is True
    assert json_["options"]["graphMode"] == "none"


def test_a_query_with_an_interval_sets_the_minimum_step() -> None:
    json_ = panel(time_series("People", "How many.", [Query("people", min_step="30s"), QUERY]))

    first, second = json_["targets"]
    assert first["interval"] == "30s"
    assert "interval" not in second
    assert (first["refId"], second["refId"]) == ("A", "B")


def test_a_heatmap_uses_the_buckets_unchanged() -> None:
    json_ = panel(heatmap("Ages", "How old.", Query("sum by (le) (age)"), unit="s", cell_unit="short"))

    assert json_["options"]["calculate"] is False
    assert json_["targets"][0]["format"] == "heatmap"


def test_a_table_has_one_row_for_each_combination_of_labels() -> None:
    json_ = panel(
        table(
            "Rooms",
            "Who is where.",
            [Label("room", "Room")],
            [Column("People", QUERY), Column("Chairs", Query("chairs"))],
            sort_by="People",
            hide=["floor"],
        )
    )

    merge, organize = json_["transformations"]
    assert merge["id"] == "merge"
    assert organize["options"] == {
        "indexByName": {"room": 0, "Value #A": 1, "Value #B": 2},
        "renameByName": {"room": "Room", "Value #A": "People", "Value #B": "Chairs"},
        "excludeByName": {"Time": True, "floor": True},
    }


def widths(json_: Json) -> dict[str, dict[str, float]]:
    """By column, which of Grafana's properties of width it has."""
    return {
        one["matcher"]["options"]: {
            property_["id"]: property_["value"]
            for property_ in one["properties"]
            if "idth" in property_["id"]
        }
        for one in json_["fieldConfig"]["overrides"]
    }


def test_columns_of_numbers_are_narrow_and_names_share_the_remaining_width() -> None:
    states = [value_mapping({0: ("closed", "red"), 1: ("open to the public", "green")})]
    labels = [Label("room", "Room"), Label("floor", "Floor", width=60)]
    columns = [
        Column("People", QUERY),
        Column("Share of all the people", QUERY),
        Column("Opened", QUERY, unit="dateTimeFromNow"),
        Column("State", QUERY, mappings=states),
    ]

    found = widths(panel(table("Rooms", "Who.", labels, columns, sort_by="People")))

    assert found["Room"].keys() == {"custom.minWidth"}
    assert found["Floor"] == {"custom.width": 60}
    narrow, header, moment, words = (found[column.header]["custom.width"] for column in columns)
    assert narrow < words < header
    assert moment == WIDEST_VALUES["dateTimeFromNow"]


def test_the_header_of_the_sorted_column_has_room_for_its_arrow() -> None:
    columns = [Column("All the people", QUERY), Column("Other numbers!", QUERY)]

    found = widths(panel(table("Rooms", "Who.", [Label("room", "Room")], columns, sort_by="All the people")))

    difference = found["All the people"]["custom.width"] - found["Other numbers!"]["custom.width"]
    assert difference == SORT_ARROW


def soft_ends(one: Panel) -> tuple[float | None, float | None]:
    custom = panel(one)["fieldConfig"]["defaults"]["custom"]
    return custom.get("axisSoftMin"), custom.get("axisSoftMax")


@pytest.mark.parametrize(
    ("unit", "end"), [(COUNT, 1), ("suffix:/min", 1), ("percentunit", 0.1), ("s", None), ("bytes", None)]
)
def test_a_graph_with_only_zeros_has_a_short_axis(unit: str, end: float | None) -> None:
    assert soft_ends(time_series("People", "How many.", [QUERY], unit=unit)) == (None, end)


def test_an_axis_without_a_minimum_has_zero_in_the_middle() -> None:
    assert soft_ends(time_series("Growth", "By how many.", [QUERY], minimum=None)) == (-1, 1)


def test_a_limit_is_always_in_the_visible_range() -> None:
    limit = thresholds("transparent", (60, "orange"), (80, "red"))

    assert soft_ends(time_series("Wait", "How long.", [QUERY], unit="s", limit=limit)) == (None, 100)


def test_a_tables_only_query_has_a_value_without_a_letter() -> None:
    json_ = panel(
        table("Rooms", "Who.", [Label("room", "Room")], [Column("People", QUERY)], sort_by="People")
    )

    (organize,) = json_["transformations"]
    assert organize["options"]["renameByName"] == {"room": "Room", "Value": "People"}


def test_a_text_panel_has_no_query() -> None:
    json_ = panel(text("Hello", "**World**"))

    assert not {"targets", "datasource", "fieldConfig"} & set(json_)


def test_a_bar_gauge_shows_the_last_value() -> None:
    json_ = panel(bar_gauge("Rooms", "Who is where.", QUERY))

    assert json_["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]


def test_a_dashboard_has_no_obsolete_keys() -> None:
    board = made(Heading("Rooms"), row(4, a_stat()))

    assert not {"rows", "style", "id", "__inputs", "gnetId", "hideControls", "sharedCrosshair"} & set(board)
    heading = board["panels"][0]
    assert set(heading) == {"id", "type", "title", "collapsed", "gridPos", "panels"}


def test_every_variable_starts_with_all() -> None:
    source, room = made(row(4, a_stat()))["templating"]["list"]

    assert source["current"] == {"selected": True, "text": "Prometheus", "value": "prometheus"}
    assert room["current"] == {"selected": True, "text": ["All"], "value": ["$__all"]}
    assert room["allValue"] == ".+"
