"""Prometheus' answers become the tables and series that Grafana would make of them."""

from __future__ import annotations

import math
from typing import Any

from grafana.preview.dashboard import Target, TargetFormat
from grafana.preview.prometheus_frames import to_frames


def target(format_: TargetFormat = "time_series", legend: str = "__auto", instant: bool = False) -> Target:
    return Target("A", "sum(x)", instant, format_, legend, "", False)


def matrix(labels: dict[str, str], *values: tuple[float, str]) -> dict[str, Any]:
    return {"metric": labels, "values": [list(value) for value in values]}


def names(*series: dict[str, Any], legend: str = "__auto") -> list[str]:
    frames = to_frames(target(legend=legend), series, step=5, only_table=False)
    return [frame.fields[1].display_name for frame in frames]


def test_legend_is_filled_with_labels() -> None:
    one = matrix({"queue": "mail", "status": "failed"}, (0, "1"))
    assert names(one, legend="{{queue}} {{ status }} {{none}}") == ["mail failed "]


def test_one_differing_label_names_the_series_by_its_value() -> None:
    assert names(matrix({"queue": "a"}, (0, "1")), matrix({"queue": "b"}, (0, "1"))) == ["a", "b"]


def test_several_labels_name_the_series_by_those_that_differ() -> None:
    first = matrix({"job": "x", "queue": "a", "status": "s"}, (0, "1"))
    second = matrix({"job": "x", "queue": "b", "status": "t"}, (0, "1"))
    assert names(first, second) == ['{queue="a", status="s"}', '{queue="b", status="t"}']


def test_series_without_labels_is_named_by_its_query() -> None:
    assert names(matrix({}, (0, "1"))) == ["sum(x)"]


def test_gap_between_samples_stays_a_gap() -> None:
    (frame,) = to_frames(target(), [matrix({}, (0, "1"), (5, "2"), (30, "3"))], step=5, only_table=False)
    assert list(frame.fields[1].values) == [1.0, 2.0, None, 3.0]


def test_nan_is_no_value() -> None:
    (frame,) = to_frames(target(), [matrix({}, (0, "NaN"), (5, "+Inf"))], step=5, only_table=False)
    assert list(frame.fields[1].values) == [None, math.inf]


def test_table_has_a_column_a_label_and_one_for_the_value() -> None:
    series = [
        {"metric": {"queue": "a"}, "value": [10, "1"]},
        {"metric": {"queue": "b", "function": "f"}, "value": [10, "2"]},
    ]
    (frame,) = to_frames(target("table"), series, step=0, only_table=False)
    assert [field.name for field in frame.fields] == ["Time", "queue", "function", "Value #A"]
    assert frame.rows() == [(10_000, "a", "", 1.0), (10_000, "b", "f", 2.0)]


def test_value_of_the_only_table_has_no_letter() -> None:
    (frame,) = to_frames(target("table"), [], step=0, only_table=True)
    assert [field.name for field in frame.fields] == ["Time", "Value"]


def test_buckets_of_a_heatmap_are_sorted_and_count_only_their_own() -> None:
    series = [
        matrix({"le": "+Inf"}, (0, "10"), (5, "10")),
        matrix({"le": "0.5"}, (0, "2"), (5, "4")),
        matrix({"le": "10"}, (0, "9"), (5, "4")),
    ]
    (frame,) = to_frames(target("heatmap"), series, step=5, only_table=False)
    assert frame.is_heatmap
    assert [(field.name, list(field.values)) for field in frame.fields[1:]] == [
        ("0.5", [2, 4]),
        ("10", [7, 0]),
        ("+Inf", [1, 6]),
    ]
