"""Several Redis under one Prometheus: no rule adds up or compares what has the same name in each."""

from __future__ import annotations

import re

from tests.prometheus.rules import metrics, rules

OF_NO_REDIS = {"prometheus_rule_evaluation_failures_total", "alertmanager_notifications_failed_total"}


def test_no_rule_adds_up_or_compares_across_redis() -> None:
    """No sum drops the instance, and no match ignores it, except to count exporters."""
    for rule in rules():
        if metrics(rule["expr"]) & OF_NO_REDIS or rule.get("alert") == "RQExporterDown":
            continue
        assert not re.search(r"\b(sum|avg|min|max|count|topk) ?\(", rule["expr"])
        for labels in re.findall(r"\b(?:without|ignoring) \(([^)]*)\)", rule["expr"]):
            assert "instance" not in labels.split(", "), rule["expr"]
