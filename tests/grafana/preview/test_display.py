"""Words and colours of a value follow the field's configuration."""

from __future__ import annotations

import math
from typing import Any

import pytest

from grafana.preview.colors import DARK, LIGHT, blend, is_css_color, readable_text_on
from grafana.preview.dashboard import Grid, Panel
from grafana.preview.display import FieldDisplay
from grafana.preview.fieldconfig import UnknownMatcherError, configure
from grafana.preview.frames import Field, Frame, Value
from grafana.preview.reducers import UnknownReducerError, reduce_values
from tests.grafana.preview.views import NOW

TRAFFIC_LIGHT = {
    "mode": "absolute",
    "steps": [
        {"color": "green", "value": None},
        {"color": "yellow", "value": 80},
        {"color": "red", "value": 90},
    ],
}
GREEN, YELLOW, RED = "#73BF69", "#FADE2A", "#F2495C"


def display(value: Value, **config: Any) -> tuple[str, str]:
    shown = FieldDisplay(Field("x", "number", [0.0, 200.0], config=config), DARK, NOW)(value)
    return str(shown), shown.color


@pytest.mark.parametrize(
    ("value", "color"), [(-5, GREEN), (79.9, GREEN), (80, YELLOW), (90, RED), (1000, RED), (None, GREEN)]
)
def test_color_is_that_of_the_highest_threshold_reached(value: float | None, color: str) -> None:
    assert display(value, thresholds=TRAFFIC_LIGHT)[1] == color


def test_percentage_thresholds_are_shares_of_the_range() -> None:
    thresholds = TRAFFIC_LIGHT | {"mode": "percentage"}
    assert display(170, thresholds=thresholds)[1] == YELLOW
    assert display(85, thresholds=thresholds)[1] == GREEN


def test_colors_have_a_shade_of_their_own_in_the_light_theme() -> None:
    field = Field("x", "number", [1.0], config={"thresholds": TRAFFIC_LIGHT})
    assert FieldDisplay(field, LIGHT, NOW)(95).color == "#E02F44"


def test_fixed_and_palette_colors_do_not_depend_on_the_value() -> None:
    assert display(1, color={"mode": "fixed", "fixedColor": "semi-dark-blue"})[1] == "#3274D9"
    field = Field("x", "number", [1.0], config={"color": {"mode": "palette-classic"}})
    assert FieldDisplay(field, DARK, NOW, index=1).series_color() == "#F2CC0C"


def test_continuous_colors_run_from_the_least_to_the_most() -> None:
    scale = {"mode": "continuous-GrYlRd"}
    assert [display(value, color=scale)[1] for value in (0, 200)] == [GREEN, RED]
    assert display(100, color=scale)[1] not in (GREEN, RED)


def test_unknown_color_is_grey_and_never_css() -> None:
    assert display(1, color={"mode": "fixed", "fixedColor": "red;background:url(//x)"})[1] == "#808080"


@pytest.mark.parametrize(
    ("mapping", "value", "text"),
    [
        ({"type": "value", "options": {"1": {"text": "up"}}}, 1.0, "up"),
        ({"type": "value", "options": {"1": {"text": "up"}}}, 2.0, "2"),
        ({"type": "range", "options": {"from": None, "to": 5, "result": {"text": "few"}}}, 5, "few"),
        ({"type": "range", "options": {"from": 1, "to": None, "result": {"text": "many"}}}, 0.5, "0.500"),
        ({"type": "special", "options": {"match": "null+nan", "result": {"text": "gone"}}}, math.nan, "gone"),
        (
            {"type": "regex", "options": {"pattern": "/app\\.(.*)/", "result": {"text": "$1"}}},
            "app.mail",
            "mail",
        ),
    ],
)
def test_mappings_put_words_in_the_place_of_values(mapping: dict[str, Any], value: Value, text: str) -> None:
    assert display(value, mappings=[mapping])[0] == text


def test_mapping_brings_its_color() -> None:
    mapping = {"type": "value", "options": {"1": {"text": "up", "color": "blue"}}}
    assert display(1, mappings=[mapping], thresholds=TRAFFIC_LIGHT)[1] == "#5794F2"


def test_missing_value_shows_the_text_for_it() -> None:
    assert display(None, noValue="-")[0] == "-"


def test_configured_decimals_count() -> None:
    assert display(1.23456, unit="s", decimals=1)[0] == "1.2 s"


def panel(overrides: list[dict[str, Any]]) -> Panel:
    return Panel(1, "table", "T", Grid(0, 0, 24, 8), defaults={"unit": "short"}, overrides=tuple(overrides))


def override(matcher: str, options: object, **properties: Any) -> dict[str, Any]:
    named = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": options}, "properties": named}


@pytest.mark.parametrize(
    ("matcher", "options"),
    [("byName", "Depth"), ("byRegexp", "/^Dep/"), ("byFrameRefID", "B"), ("byType", "number")],
)
def test_overrides_reach_the_fields_that_they_match(matcher: str, options: str) -> None:
    frame = Frame((Field("queue", "string", ["a"]), Field("Depth", "number", [1.0])), ref_id="B")
    (configured,) = configure(panel([override(matcher, options, unit="s", custom__width=90)]), [frame])
    assert configured.fields[1].config == {"unit": "s", "custom": {"width": 90}}


def test_override_of_one_field_leaves_the_others() -> None:
    frame = Frame((Field("a", "number", [1.0]), Field("b", "number", [1.0])))
    (configured,) = configure(panel([override("byName", "a", unit="s")]), [frame])
    assert [field.config["unit"] for field in configured.fields] == ["s", "short"]


def test_unknown_matcher_is_named() -> None:
    with pytest.raises(UnknownMatcherError, match="no override matcher 'byValue'"):
        configure(panel([override("byValue", {})]), [Frame((Field("a", "number", [1.0]),))])


@pytest.mark.parametrize(
    ("calc", "result"),
    [("lastNotNull", 4), ("mean", 2.5), ("max", 4), ("min", 1), ("sum", 10), ("count", 4), ("range", 3)],
)
def test_calculations_leave_out_what_is_missing(calc: str, result: float) -> None:
    assert reduce_values([1, None, 2, 3, 4, None], calc) == result


def test_nothing_reduces_to_nothing() -> None:
    assert reduce_values([None], "mean") is None


def test_unknown_calculation_is_named() -> None:
    with pytest.raises(UnknownReducerError, match="cannot calculate 'p75'"):
        reduce_values([1.0], "p75")


def test_blend_ends_in_its_ends() -> None:
    assert blend(["#000000", "#FFFFFF"], 0) == "#000000"
    assert blend(["#000000", "#FFFFFF"], 1) == "#FFFFFF"


def test_text_on_colors_can_be_read() -> None:
    assert readable_text_on("#FADE2A") == "#111217"
    assert readable_text_on("#C4162A") == "#FFFFFF"


@pytest.mark.parametrize("text", ["url(x)", "#12", "red; x", "rgb(1,2,3); x", "expression(1)"])
def test_only_plain_colors_are_css(text: str) -> None:
    assert not is_css_color(text)
