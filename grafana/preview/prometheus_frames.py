"""From Prometheus' answers to frames, by the rules of Grafana's Prometheus data source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from grafana.preview.dashboard import Target
from grafana.preview.frames import TIME_NAME, VALUE_NAME, Field, Frame

Series = dict[str, Any]
"""One element of a vector or matrix: {"metric": labels, "value"|"values": samples}."""

_PLACEHOLDER = re.compile(r"\{\{\s*(.+?)\s*\}\}")


def to_frames(target: Target, series: Sequence[Series], *, step: float, only_table: bool) -> list[Frame]:
    """Return the frames of one target.

    A table is one frame with a column a label; other formats give a frame a series. `only_table` says that
    no other target of the panel is a table: then its value column is `Value`, otherwise `Value #<refId>`.
    `step` is the distance of a range query's points in seconds, 0 for an instant query.
    """
    if target.format == "table":
        return [_table(target, series, VALUE_NAME if only_table else f"{VALUE_NAME} #{target.ref_id}")]
    frames = [_time_series(target, one, step) for one in series]
    if frames and target.legend in ("", "__auto"):
        frames = _named_by_difference(frames)
    return [_heatmap(frames, target.ref_id)] if target.format == "heatmap" and frames else frames


def _samples(series: Series) -> list[tuple[float, float]]:
    pairs = series["values"] if "values" in series else [series["value"]]
    return [(float(time), float(value)) for time, value in pairs]


def _time_series(target: Target, series: Series, step: float) -> Frame:
    labels = dict(series["metric"])
    times: list[float] = []
    values: list[float | None] = []
    for time, value in _samples(series):
        if step and times and time * 1000 - times[-1] > step * 1500:
            times.append(times[-1] + step * 1000)  # a gap stays a gap
            values.append(None)
        times.append(time * 1000)
        values.append(None if math.isnan(value) else value)
    name = labels.get("__name__", VALUE_NAME)
    shown = legend(target, labels)
    value_field = Field(name, "number", values, labels, source_name=shown)
    return Frame((Field(TIME_NAME, "time", times), value_field), target.ref_id)


def legend(target: Target, labels: Mapping[str, str]) -> str | None:
    """Fill labels into a legend such as `{{queue}} in`; None where the labels that differ make the name."""
    if target.legend not in ("", "__auto"):
        return _PLACEHOLDER.sub(lambda match: labels.get(match[1], ""), target.legend)
    return None if labels else target.expr


def _named_by_difference(frames: Sequence[Frame]) -> list[Frame]:
    """Name series by the labels in which they differ: by the bare value where there is only one label."""
    all_labels = [_without_name(frame.fields[1].labels) for frame in frames]
    shared = set.intersection(*(set(labels.items()) for labels in all_labels)) if len(frames) > 1 else set()
    only_one = len({name for labels in all_labels for name in labels}) == 1
    return [
        _renamed(frame, _difference_name(labels, shared, bare=only_one))
        for frame, labels in zip(frames, all_labels, strict=True)
    ]


def _difference_name(labels: Mapping[str, str], shared: set[tuple[str, str]], *, bare: bool) -> str | None:
    if bare and labels:
        return next(iter(labels.values()))
    shown = sorted(item for item in labels.items() if item not in shared)
    return "{" + ", ".join(f'{name}="{value}"' for name, value in shown) + "}" if shown else None


def _without_name(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "__name__"}


def _renamed(frame: Frame, name: str | None) -> Frame:
    time, value = frame.fields
    return replace(frame, fields=(time, replace(value, source_name=value.source_name or name)))


def _table(target: Target, series: Sequence[Series], value_name: str) -> Frame:
    names: list[str] = []
    for one in series:
        names.extend(name for name in sorted(one["metric"]) if name not in names)
    rows = sorted(
        ((time * 1000, one["metric"], value) for one in series for time, value in _samples(one)),
        key=lambda row: row[0],
    )
    columns = [Field(name, "string", [labels.get(name, "") for _, labels, _ in rows]) for name in names]
    times = Field(TIME_NAME, "time", [time for time, _, _ in rows])
    values = Field(value_name, "number", [value for _, _, value in rows])
    return Frame((times, *columns, values), target.ref_id)


def _heatmap(frames: Sequence[Frame], ref_id: str) -> Frame:
    """Make one frame of the cumulative `le` series: a field a bucket, holding the bucket's own count."""
    by_bound: dict[float, dict[float, float]] = {}
    for frame in frames:
        time, value = frame.fields
        bound = float(value.labels.get("le", "+Inf"))
        at = by_bound.setdefault(bound, {})
        for moment, count in zip(time.values, value.values, strict=True):
            at[moment] = at.get(moment, 0.0) + (count or 0.0)
    times = sorted({moment for counts in by_bound.values() for moment in counts})
    fields, below = [Field(TIME_NAME, "time", times)], [0.0] * len(times)
    for bound in sorted(by_bound):
        counts = [by_bound[bound].get(moment, below[i]) for i, moment in enumerate(times)]
        own = [max(0.0, count - lower) for count, lower in zip(counts, below, strict=True)]
        label = "+Inf" if bound == float("inf") else f"{bound:g}"
        fields.append(Field(label, "number", [n if n >= 1e-9 else 0.0 for n in own], {"le": label}))
        below = counts
    return Frame(tuple(fields), ref_id, is_heatmap=True)
