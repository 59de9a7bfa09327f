"""A panel's data: all its queries at once, then its transformations and its field configuration."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

from grafana.preview.alerts import AlertRule, to_alert_rules
from grafana.preview.annotations import Mark, to_marks
from grafana.preview.dashboard import GRID_COLUMNS, Annotation, Dashboard, Grid, Panel, Target
from grafana.preview.datasource import DataSource
from grafana.preview.exemplars import Exemplar, to_exemplars
from grafana.preview.fieldconfig import configure
from grafana.preview.frames import Frame
from grafana.preview.interpolation import interpolate, promql_lookup, step_builtins, time_builtins
from grafana.preview.prometheus import QUERY_TIMEOUT, PrometheusClient, PrometheusError
from grafana.preview.prometheus_frames import to_frames
from grafana.preview.timerange import parse_duration, rate_interval, step_for
from grafana.preview.transformations import transform
from grafana.preview.view import View

PANEL_TIMEOUT = QUERY_TIMEOUT + 5
"""Seconds in which all of a panel's queries must have answered, the time in the waiting line included."""

ANNOTATION_POINTS = 100
PAGE_MARGINS = 32 + 15
"""Pixels of a window that are not the panels': both margins and a scroll bar."""
PANEL_GAP = 8
PANELS_WITH_MARKS = ("timeseries", "state-timeline")


@dataclass(frozen=True, slots=True)
class PanelData:
    """What a panel draws."""

    frames: Sequence[Frame]
    exemplars: Sequence[Exemplar] = field(default=())
    marks: Sequence[Mark] = field(default=())
    alerts: Sequence[AlertRule] = field(default=())
    step: float = 0
    """Seconds between the points of its range queries."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where data comes from."""

    prometheus: PrometheusClient
    datasource: DataSource


def fetch(panel: Panel, dashboard: Dashboard, view: View, source: Source) -> PanelData:
    """Ask everything that the panel needs.

    Raises:
        PrometheusUnreachableError: Prometheus does not answer.
        PrometheusError: it refused a query or took too long; the message names the target.
        UnknownTransformationError, UnknownMatcherError: the panel wants what the preview does not have.
    """
    deadline = time.monotonic() + PANEL_TIMEOUT
    steps = [_step(panel, target, view, source) for target in panel.targets]
    answers = [_submit(target, view, source, step) for target, step in zip(panel.targets, steps, strict=True)]
    exemplars = [
        _submit_exemplars(target, view, source, step)
        for target, step in zip(panel.targets, steps, strict=True)
        if target.exemplars
    ]
    alerts = source.prometheus.submit("rules", {"type": "alert"}) if panel.type == "alertlist" else None
    annotations = dashboard.annotations if panel.type in PANELS_WITH_MARKS else ()
    marks = [_submit_annotation(annotation, view, source) for annotation in annotations]

    tables = sum(target.format == "table" for target in panel.targets)
    frames: list[Frame] = []
    for target, step, answer in zip(panel.targets, steps, answers, strict=True):
        series = _vector(_result(answer, deadline, f"query {target.ref_id}"))
        frames += to_frames(target, series, step=0 if target.instant else step, only_table=tables == 1)
    return PanelData(
        frames=configure(panel, transform(frames, panel.transformations)),
        exemplars=[
            exemplar
            for answer in exemplars
            for exemplar in to_exemplars(
                _result(answer, deadline, "exemplars"), source.datasource.exemplar_links, max(steps)
            )
        ],
        marks=[
            mark
            for annotation, (answer, step) in zip(annotations, marks, strict=True)
            for mark in to_marks(annotation, _vector(_result(answer, deadline, annotation.name)), step)
        ],
        alerts=to_alert_rules(_result(alerts, deadline, "alert rules")) if alerts else (),
        step=max(steps, default=0),
    )


def panel_pixels(grid: Grid, view: View) -> int:
    """Return about how wide a panel is, which decides how many points it asks for."""
    return max(100, (view.width - PAGE_MARGINS) * grid.width // GRID_COLUMNS - PANEL_GAP)


def _step(panel: Panel, target: Target, view: View, source: Source) -> float:
    points = panel.max_data_points or panel_pixels(panel.grid, view)
    return step_for(view.time_range.seconds, points, _scrape_interval(target, source))


def _scrape_interval(target: Target, source: Source) -> float:
    return parse_duration(target.interval) if target.interval else source.datasource.scrape_interval


def _expression(target: Target, view: View, source: Source, step: float) -> str:
    builtins = time_builtins(view.time_range) | step_builtins(
        step, rate_interval(step, _scrape_interval(target, source))
    )
    return interpolate(target.expr, promql_lookup(view.choices, builtins))


def _submit(target: Target, view: View, source: Source, step: float) -> Future[Any]:
    expression = _expression(target, view, source, step)
    if target.instant:
        return source.prometheus.submit(
            "query", {"query": expression, "time": view.time_range.end.timestamp()}
        )
    return source.prometheus.submit("query_range", {"query": expression, **_aligned(view, step)})


def _submit_exemplars(target: Target, view: View, source: Source, step: float) -> Future[Any]:
    return source.prometheus.submit(
        "query_exemplars",
        {
            "query": _expression(target, view, source, step),
            "start": view.time_range.start.timestamp(),
            "end": view.time_range.end.timestamp(),
        },
    )


def _submit_annotation(annotation: Annotation, view: View, source: Source) -> tuple[Future[Any], float]:
    smallest = parse_duration(annotation.step) if annotation.step else 60.0
    step = step_for(view.time_range.seconds, ANNOTATION_POINTS, smallest)
    expression = interpolate(annotation.expr, promql_lookup(view.choices, time_builtins(view.time_range)))
    return source.prometheus.submit("query_range", {"query": expression, **_aligned(view, step)}), step


def _aligned(view: View, step: float) -> dict[str, float]:
    """Return start and end on multiples of the step, so that points do not wander from refresh to refresh."""
    return {
        "start": math.floor(view.time_range.start.timestamp() / step) * step,
        "end": math.floor(view.time_range.end.timestamp() / step) * step,
        "step": step,
    }


def _result(answer: Future[Any], deadline: float, what: str) -> Any:
    try:
        return answer.result(timeout=max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError as error:
        answer.cancel()
        raise PrometheusError(f"{what}: no answer within {PANEL_TIMEOUT:g} s") from error
    except PrometheusError as error:
        raise PrometheusError(f"{what}: {error}") from error


def _vector(data: Any) -> list[dict[str, Any]]:
    """Return the series of an answer; a bare number is a series without labels."""
    if data["resultType"] == "scalar":
        return [{"metric": {}, "value": data["result"]}]
    series: list[dict[str, Any]] = data["result"]
    return series
