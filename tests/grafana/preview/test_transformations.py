"""Transformations give the tables that Grafana would show."""

from __future__ import annotations

import pytest

from grafana.preview.frames import Field, Frame
from grafana.preview.transformations import UnknownTransformationError, transform


def table(**columns: list[str | float | None]) -> Frame:
    fields = [
        Field(name.replace("_", " #"), "string" if isinstance(values[0], str) else "number", values)
        for name, values in columns.items()
    ]
    return Frame(tuple(fields))


def names(frame: Frame) -> list[str]:
    return [field.display_name for field in frame.fields]


def test_merge_joins_rows_that_agree_in_the_shared_columns() -> None:
    depth = table(queue=["a", "b"], Value_A=[1.0, 2.0])
    workers = table(queue=["b", "c"], Value_B=[5.0, 6.0])
    (merged,) = transform([depth, workers], [{"id": "merge", "options": {}}])
    assert names(merged) == ["queue", "Value #A", "Value #B"]
    assert merged.rows() == [("a", 1.0, None), ("b", 2.0, 5.0), ("c", None, 6.0)]


def test_merge_spreads_a_coarser_table_over_all_rows_that_fit() -> None:
    by_function = table(queue=["a", "a"], function=["f", "g"], Value_A=[1.0, 2.0])
    by_queue = table(queue=["a"], Value_B=[9.0])
    (merged,) = transform([by_function, by_queue], [{"id": "merge", "options": {}}])
    assert merged.rows() == [("a", "f", 1.0, 9.0), ("a", "g", 2.0, 9.0)]


def test_merge_leaves_tables_without_a_common_column_apart() -> None:
    tables = [table(queue=["a"]), table(worker=["w"])]
    assert transform(tables, [{"id": "merge"}]) == tables


def test_organize_leaves_out_orders_and_renames() -> None:
    options = {
        "excludeByName": {"Time": True, "queue": False},
        "indexByName": {"Value #A": 0, "queue": 1},
        "renameByName": {"Value #A": "Depth", "queue": "Queue"},
    }
    frame = table(Time=[1.0], queue=["a"], Value_A=[2.0], job=["x"])
    (organized,) = transform([frame], [{"id": "organize", "options": options}])
    assert names(organized) == ["Depth", "Queue", "job"]
    assert organized.rows() == [(2.0, "a", "x")]


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        ("outer", [("a", 1.0, None), ("b", 2.0, 5.0), ("c", None, 6.0)]),
        ("inner", [("b", 2.0, 5.0)]),
    ],
)
def test_join_by_field(mode: str, rows: list[tuple[object, ...]]) -> None:
    tables = [table(queue=["a", "b"], x=[1.0, 2.0]), table(queue=["b", "c"], y=[5.0, 6.0])]
    (joined,) = transform(tables, [{"id": "joinByField", "options": {"byField": "queue", "mode": mode}}])
    assert joined.rows() == rows


def test_unknown_transformation_is_named() -> None:
    with pytest.raises(UnknownTransformationError, match="no transformation 'histogram'"):
        transform([], [{"id": "histogram"}])


def test_disabled_transformation_does_nothing() -> None:
    frame = table(queue=["a"])
    assert transform([frame], [{"id": "histogram", "disabled": True}]) == [frame]


@pytest.mark.parametrize(
    ("regex", "name", "expected"),
    [
        ("/^(.*) @ (main)?$/", "$1", ["mail", "mail @ billing", "api"]),
        ("mail", "post", ["mail @ main", "mail @ billing", "api @ "]),  # whole names only
        ("(.*) @ (.*)", "$2: $1", ["main: mail", "billing: mail", ": api"]),
    ],
)
def test_series_are_renamed_by_a_regular_expression(regex: str, name: str, expected: list[str]) -> None:
    series = [
        Frame((Field("Value", "number", [1.0], source_name=shown),))
        for shown in ("mail @ main", "mail @ billing", "api @ ")
    ]

    renamed = transform(series, [{"id": "renameByRegex", "options": {"regex": regex, "renamePattern": name}}])

    assert [frame.fields[0].display_name for frame in renamed] == expected
