"""Operator actions."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import named, select
from rq_mon import catalogue


def changes() -> Query:
    """Changes by operators in the time range, by action; none for actions that did not occur."""
    changed = f"sum by (instance, action) (increase({select(catalogue.OPERATOR_CHANGES)}[$__range]))"
    return Query(f"{changed} > 0", named("action"))
