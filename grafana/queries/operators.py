"""Operator actions."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import named, select
from rq_mon import catalogue


def changes() -> Query:
    """What operators changed in the chosen time, by what they did; nothing of what they did not do."""
    changed = f"sum by (instance, action) (increase({select(catalogue.OPERATOR_CHANGES)}[$__range]))"
    return Query(f"{changed} > 0", named("action"))
