"""Calculations that make one number of a series: what Grafana calls calcs and reducers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, median

Values = Sequence[float | None]
Reducer = Callable[[list[float]], float]


class UnknownReducerError(ValueError):
    """A panel asks for a calculation that the preview does not have."""


def _present(values: Values) -> list[float]:
    return [value for value in values if value is not None and not math.isnan(value)]


REDUCERS: dict[str, tuple[str, Reducer]] = {
    "lastNotNull": ("Last *", lambda values: values[-1]),
    "last": ("Last", lambda values: values[-1]),
    "firstNotNull": ("First *", lambda values: values[0]),
    "first": ("First", lambda values: values[0]),
    "min": ("Min", min),
    "max": ("Max", max),
    "mean": ("Mean", fmean),
    "median": ("Median", median),
    "sum": ("Total", math.fsum),
    "count": ("Count", lambda values: float(len(values))),
    "range": ("Range", lambda values: max(values) - min(values)),
    "diff": ("Difference", lambda values: values[-1] - values[0]),
}
"""Title and calculation by Grafana's id. They see no missing values (Grafana's null value mode "ignore")."""


def reduce_values(values: Values, calc: str) -> float | None:
    """Return the calculation's result, None where there is no value to calculate with.

    Raises:
        UnknownReducerError: the preview does not have `calc`.
    """
    if calc not in REDUCERS:
        raise UnknownReducerError(f"the preview cannot calculate {calc!r}; it has {', '.join(REDUCERS)}")
    present = _present(values)
    return REDUCERS[calc][1](present) if present else None


def reducer_title(calc: str) -> str:
    """Return what Grafana writes above the numbers of this calculation."""
    return REDUCERS[calc][0] if calc in REDUCERS else calc
