"""The variables of a dashboard: what can be chosen, and what is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from grafana.preview.dashboard import Dashboard, Variable
from grafana.preview.datasource import DataSource
from grafana.preview.interpolation import ALL, Choice, interpolate, promql_lookup
from grafana.preview.prometheus import PrometheusClient, PrometheusError, PrometheusUnreachableError
from grafana.preview.timerange import TimeRange

MAX_OPTIONS = 1000
"""A drop-down with more is of no use, and slow."""

_LABEL_VALUES = re.compile(r"label_values\((?:\s*(.+)\s*,)?\s*([a-zA-Z_]\w*)\s*\)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ResolvedVariable:
    """One variable with its options as they are now."""

    variable: Variable
    options: tuple[tuple[str, str], ...]
    """Value and label, All included."""
    selected: tuple[str, ...]
    choice: Choice
    problem: str | None = None
    """Why its options are missing."""


def resolve_variables(
    dashboard: Dashboard,
    requested: Mapping[str, Sequence[str]],
    time_range: TimeRange,
    prometheus: PrometheusClient,
    source: DataSource,
) -> list[ResolvedVariable]:
    """Find the options and the choice of each variable, in order: later ones may depend on earlier ones.

    `requested` is what the URL says; what it does not name has the dashboard's default.
    """
    resolved: list[ResolvedVariable] = []
    for variable in dashboard.variables:
        choices = {known.variable.name: known.choice for known in resolved}
        values, problem = _values(variable, choices, time_range, prometheus, source)
        selected = _selected(variable, requested.get(variable.name, ()), values)
        resolved.append(_resolve(variable, values, selected, problem))
    return resolved


def _resolve(
    variable: Variable, values: Sequence[tuple[str, str]], selected: tuple[str, ...], problem: str | None
) -> ResolvedVariable:
    known = {value for value, _ in values} | {ALL}
    missing = [(value, value) for value in selected if value not in known]
    everything = [(ALL, "All")] if variable.include_all else []
    is_all = ALL in selected
    choice = Choice(
        values=tuple(value for value, _ in values) if is_all else selected,
        is_all=is_all,
        all_value=variable.all_value,
        is_multi=variable.multi or variable.include_all,
    )
    return ResolvedVariable(variable, (*everything, *values, *missing), selected, choice, problem)


def _selected(
    variable: Variable, requested: Sequence[str], values: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Return what is chosen: All stands alone, and a variable with one value has one."""
    wanted = tuple(ALL if value == "All" and variable.include_all else value for value in requested)
    wanted = wanted or tuple(value for value in variable.current if value)
    if variable.include_all and (not wanted or ALL in wanted):
        return (ALL,)
    wanted = tuple(value for value in wanted if value != ALL) or tuple(value for value, _ in values[:1])
    return wanted if variable.multi else wanted[:1]


def _values(
    variable: Variable,
    choices: Mapping[str, Choice],
    time_range: TimeRange,
    prometheus: PrometheusClient,
    source: DataSource,
) -> tuple[list[tuple[str, str]], str | None]:
    match variable.type:
        case "datasource":
            return [(source.uid, source.name)], None
        case "custom":
            return [(text.strip(), text.strip()) for text in variable.query.split(",") if text.strip()], None
        case "constant" | "textbox":
            return [(variable.query, variable.query)], None
        case "query":
            return _query_values(variable, choices, time_range, prometheus)
        case other:
            return [], f"the preview has no variables of type {other!r}"


def _query_values(
    variable: Variable, choices: Mapping[str, Choice], time_range: TimeRange, prometheus: PrometheusClient
) -> tuple[list[tuple[str, str]], str | None]:
    query = _LABEL_VALUES.fullmatch(variable.query.strip())
    if query is None:
        return [], f"the preview only knows label_values(…), got {variable.query!r}"
    parameters: dict[str, object] = {
        "start": time_range.start.timestamp(),
        "end": time_range.end.timestamp(),
        "limit": MAX_OPTIONS,
    }
    if query[1]:
        parameters["match[]"] = interpolate(query[1], promql_lookup(choices, {}))
    try:
        values = prometheus.submit(f"label/{quote(query[2])}/values", parameters).result()
    except (PrometheusError, PrometheusUnreachableError) as error:
        return [], str(error)
    return [(value, value) for value in values[:MAX_OPTIONS] if re.search(variable.regex or "", value)], None
