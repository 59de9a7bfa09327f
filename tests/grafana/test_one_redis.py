"""The dashboards for one Redis have no choice, label or column of a Redis."""

from __future__ import annotations

import json

import pytest

from grafana.__main__ import GENERATED, ONE_REDIS
from proofs.harness.boards import Json, data_panels, queries_of
from tests.grafana.test_lint import links

BOARDS: dict[str, Json] = {
    path.stem: json.loads(path.read_text()) for path in sorted(ONE_REDIS.glob("*.json"))
}
ALL: dict[str, Json] = {path.stem: json.loads(path.read_text()) for path in sorted(GENERATED.glob("*.json"))}

every_board = pytest.mark.parametrize("uid", ALL)


def test_the_set_for_one_redis_has_the_same_dashboards() -> None:
    assert BOARDS.keys() == ALL.keys()


@every_board
def test_the_queries_are_the_same(uid: str) -> None:
    assert list(queries_of(BOARDS[uid])) == list(queries_of(ALL[uid]))


@every_board
def test_no_variable_has_a_single_value(uid: str) -> None:
    shown, of_all = (
        {each["name"] for each in board["templating"]["list"] if each["hide"] == 0}
        for board in (BOARDS[uid], ALL[uid])
    )

    assert shown == of_all - {"datasource", "instance"}


@every_board
def test_no_column_names_the_redis(uid: str) -> None:
    for panel in (panel for panel in data_panels(BOARDS[uid]) if panel["type"] == "table"):
        (organized,) = (each["options"] for each in panel["transformations"] if each["id"] == "organize")
        of_columns = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
        assert organized["excludeByName"]["instance"], panel["title"]
        assert "instance" not in organized["renameByName"], panel["title"]
        assert set(organized["renameByName"].values()) == of_columns, panel["title"]


@every_board
def test_no_link_contains_the_redis_of_a_row(uid: str) -> None:
    """The column is gone, so the link would contain an empty choice, which matches no series."""
    assert [link for link in links(BOARDS[uid]) if "instance" in link] == []
    assert len(links(BOARDS[uid])) == len(links(ALL[uid]))
