"""The generated dashboards, for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grafana.__main__ import GENERATED
from grafana.queries import recorded
from grafana.queries.promql import COUNTERS_NAME, LONG, RATES_NAME, RAW_NAME, SHORT

Json = dict[str, Any]

BOARDS: dict[str, Json] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(GENERATED.glob("*.json"))
}

VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$([a-zA-Z_]\w*)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of a dashboard, and where it is."""

    board: str
    panel: str
    target: str
    expr: str
    instant: bool = False
    min_step: int = 5
    most_points: int = 1000

    def __str__(self) -> str:
        return f"{self.board}: {self.panel} {self.target}".rstrip()


def seconds(interval: str) -> int:
    """Seconds in an interval such as 15s or 1m."""
    return int(interval[:-1]) * {"s": 1, "m": 60}[interval[-1]]


def panels(board: Json) -> Iterator[Json]:
    """All panels except headings."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def data_panels(board: Json) -> Iterator[Json]:
    """The panels that query a data source."""
    return (panel for panel in panels(board) if panel.get("targets"))


def panel_queries(uid: str) -> Iterator[Asked]:
    """All queries of the panels."""
    return queries_of(BOARDS[uid])


def queries_of(board: Json) -> Iterator[Asked]:
    """All queries of the panels of a dashboard, which may be an exported one."""
    for panel in data_panels(board):
        for target in panel["targets"]:
            yield Asked(
                board["uid"],
                panel["title"],
                target["refId"],
                target["expr"],
                target["instant"],
                min_step=seconds(target.get("interval", "5s")),
                most_points=panel.get("maxDataPoints", 1000),
            )


def all_queries(uid: str) -> Iterator[Asked]:
    """All queries of panels, annotations and variables."""
    yield from panel_queries(uid)
    for annotation in BOARDS[uid]["annotations"]["list"]:
        yield Asked(uid, "annotation", annotation["name"], annotation["expr"])
    for variable in BOARDS[uid]["templating"]["list"]:
        values = re.fullmatch(r"label_values\((.+), \w+\)|query_result\((.+)\)", variable["query"])
        if values:
            yield Asked(uid, "variable", variable["name"], values[1] or values[2])


ALL_QUERIES = [query for uid in BOARDS for query in all_queries(uid)]
PANEL_QUERIES = [query for uid in BOARDS for query in panel_queries(uid)]


def step_of(query: Asked, range_seconds: int) -> int:
    """The step that Grafana picks for a graph with the points of this panel, without rounding."""
    return max(query.min_step, -(-range_seconds // query.most_points))


def interpolate(
    query: Asked, range_seconds: int, instance: str = ".+", *, queue: str = ".+", function: str = ".+"
) -> str:
    """The query as Grafana sends it, with all values chosen, or one of several."""
    step = step_of(query, range_seconds)
    values = {
        "__interval": f"{step}s",
        "__rate_interval": f"{max(step + query.min_step, 4 * query.min_step)}s",
        "__range": f"{range_seconds}s",
        "__range_s": str(range_seconds),
        COUNTERS_NAME: recorded.FROM_ZERO_OVER_DAYS if range_seconds >= LONG else recorded.FROM_ZERO,
        RATES_NAME: recorded.RATE_OVER_DAYS if range_seconds >= LONG else recorded.RATE,
        RAW_NAME: ".+" if range_seconds <= SHORT else "-",
        "instance": instance,
        "queue": queue,
        "function": function,
    }
    return VARIABLE.sub(lambda match: values[match[1] or match[2]], query.expr)
