"""PromQL of the dashboards: it parses, reads existing metrics only, and reads them in the right way."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from grafana.queries.promql import INSTANCE, LONG, RATES_NAME, RAW
from grafana.queries.recorded import RECORDED, RECORDED_OVER_DAYS
from proofs.harness.boards import (
    ALL_QUERIES,
    BOARDS,
    PANEL_QUERIES,
    Asked,
    all_queries,
    interpolate,
    panel_queries,
    seconds,
    step_of,
)
from rq_mon.catalogue import CATALOGUE, JOB_PAGES_INFO

HOUR = 3600

every_board = pytest.mark.parametrize("uid", BOARDS)

FOREIGN = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "redis_memory_used_bytes",
    "redis_memory_max_bytes",
    "redis_connected_clients",
    "redis_blocked_clients",
    "redis_commands_processed_total",
    "redis_evicted_keys_total",
    "redis_rejected_connections_total",
    "redis_rdb_last_bgsave_status",
    "redis_aof_last_write_status",
    "redis_instance_info",
    "redis_up",
    "prometheus_build_info",
    "grafana_build_info",
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_storage_blocks_bytes",
    "prometheus_tsdb_head_samples_appended_total",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_iterations_missed_total",
    "prometheus_rule_group_last_duration_seconds",
    "prometheus_notifications_dropped_total",
    "alertmanager_build_info",
    "alertmanager_alerts",
    "alertmanager_notifications_total",
    "alertmanager_notifications_failed_total",
}
"""Metrics of other programs, with the same name in every supported version."""

NOT_SHOWN = {JOB_PAGES_INFO.name: "links take their address from it"}
"""Metrics in the catalogue that no dashboard shows, each with the reason."""

COUNTED = {name for metric in CATALOGUE if metric.type != "gauge" for name in metric.series}
COUNTERS = (
    COUNTED
    | {name for name in FOREIGN if name.endswith("_total")}
    | {*RECORDED["15s"], *RECORDED_OVER_DAYS["2m"]}
)
"""Series that only ever rise: their value says nothing, only its rise does."""


def nodes(expr: Any, within: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """All nodes of the expression with their parents, outermost first."""
    yield expr, within
    below = [getattr(expr, name, None) for name in ("expr", "lhs", "rhs", "param", "vector_selector")]
    for part in [*below, *(getattr(expr, "args", None) or [])]:
        if part is not None and not isinstance(part, str | int | float):
            yield from nodes(part, (*within, expr))


def selectors(query: Asked, length: int = HOUR) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The selectors of a query over a range of `length` seconds, with what is around them."""
    for node, within in nodes(promql_parser.parse(interpolate(query, length))):
        if isinstance(node, promql_parser.VectorSelector):
            yield node, within


def recording_rules(project_root: Path) -> set[str]:
    return {
        rule["record"]
        for file in (project_root / "prometheus" / "rules").rglob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


@pytest.mark.needs("promtool")
def test_promtool_accepts_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": interpolate(query, HOUR)}
        for number, query in enumerate(ALL_QUERIES)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    checked = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr


@every_board
def test_every_query_parses_and_reads_only_series_that_exist(uid: str, project_root: Path) -> None:
    ours = {name for metric in CATALOGUE for name in metric.series}
    known = ours | recording_rules(project_root) | FOREIGN

    for query in all_queries(uid):
        for length in (HOUR, LONG):
            assert {selector.name for selector, _ in selectors(query, length)} <= known, query


def test_every_metric_of_the_catalogue_is_on_a_dashboard(project_root: Path) -> None:
    """Or in a recording rule that is."""
    read = " ".join(query.expr for query in PANEL_QUERIES)
    read += " ".join(
        rule["expr"]
        for file in (project_root / "prometheus" / "rules").rglob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if rule.get("record", "-") in read
    )
    shown = {m.name for m in CATALOGUE if any(re.search(rf"\b{name}\b", read) for name in m.series)}

    assert {metric.name for metric in CATALOGUE} - shown == set(NOT_SHOWN)


@every_board
def test_only_increases_of_counters_are_read(uid: str) -> None:
    """Over the time range or a graph's step. Counting series is allowed; 100 years of offset match none."""
    for query in panel_queries(uid):
        for selector, within in selectors(query):
            if selector.name in COUNTERS and not _far_back(selector):
                function = next(
                    (part.func.name for part in reversed(within) if isinstance(part, promql_parser.Call)), ""
                )
                counted = any(
                    isinstance(part, promql_parser.AggregateExpr) and str(part.op) == "count"
                    for part in within
                )
                assert function in {"rate", "increase"} or counted, query.expr


def _far_back(selector: Any) -> bool:
    return selector.offset is not None and selector.offset.days > 36_000


STEP_WINDOWS = {
    # Grafana's own answer to steps that are shorter than four samples.
    **dict.fromkeys(("increase", "count_over_time", "sum_over_time"), ("$__rate_interval",)),
    # Raw histograms, read only for short ranges, are as smooth as the recorded ones.
    "rate": ("$__rate_interval", "5m"),
    # For a recorded rate one sample is enough; a window of four samples contains one recorded minute.
    "avg_over_time": ("$__interval", "$__rate_interval"),
    # Growth, and a state of one minute: a longer step does not change their meaning.
    "deriv": ("5m",),
    "min_over_time": ("1m",),
    # The series that a target has served recently identify the program.
    "last_over_time": ("1h",),
}


@every_board
def test_graphs_read_windows_of_a_step_and_other_panels_the_selected_range(uid: str) -> None:
    """A fixed window leaves gaps between the steps of a long range."""
    for query in panel_queries(uid):
        for function, window in re.findall(r"(\w+)\([^()\[]*\[(\$?\w+)\]", query.expr):
            over_range = query.instant and window == "$__range"
            assert over_range or window in STEP_WINDOWS[function], query.expr
        for raw in re.findall(r"\w+_bucket\{[^}]*\}\[5m\]", query.expr):
            assert RAW in raw, query.expr


@every_board
def test_only_counters_have_a_rate(uid: str) -> None:
    for query in panel_queries(uid):
        for selector, within in selectors(query):
            if any(
                isinstance(part, promql_parser.Call) and part.func.name in {"rate", "increase"}
                for part in within
            ):
                assert selector.name in COUNTERS, query.expr


@every_board
def test_quantiles_are_computed_from_summed_buckets(uid: str) -> None:
    """By the query, or by the recording rule."""
    recorded = "|".join(
        rf"{name.rpartition(':')[0]}:\$\{{{RATES_NAME}\}}" for name in RECORDED["1m"] if "_le:" in name
    )
    added_up = r"[\d.]+, (sum by \((\w+, )*le\) \()?"

    for query in panel_queries(uid):
        for call in query.expr.split("histogram_quantile(")[1:]:
            raw = re.match(rf"{added_up}rate\(\w+_bucket\{{{re.escape(INSTANCE)},{re.escape(RAW)}", call)
            assert raw or re.match(rf"{added_up}avg_over_time\(({recorded})", call), query


@every_board
def test_steps_and_windows_are_at_least_the_interval_of_their_series(uid: str) -> None:
    intervals = {
        name: seconds(every)
        for rules in (RECORDED, RECORDED_OVER_DAYS)
        for every, names in rules.items()
        for name in names
    }

    for query, length in product(panel_queries(uid), (60, HOUR, LONG)):
        for selector, within in selectors(query, length):
            if not query.instant and selector.name in intervals:
                window = next((part.range.seconds for part in within if hasattr(part, "range")), None)
                samples = 2 if selector.name in COUNTERS and window else 1
                assert (window or step_of(query, length)) >= samples * intervals[selector.name], query.expr
