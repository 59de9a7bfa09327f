"""Rules in a Prometheus outside of the stack: other job names, more labels, other addresses."""

from __future__ import annotations

import re

from tests.prometheus.rules import rules

OF_ONE_PROCESS = ("job", "pod", "container", "endpoint")
"""Labels of the process that served a series: with other values it is still the same RQ."""


def test_no_rule_names_a_job_a_port_or_an_instance() -> None:
    for rule in rules():
        assert not re.search(r"\b(job|instance|pod|service)\s*(=|!)", rule["expr"]), rule["expr"]


def test_sums_drop_labels_by_name_and_keep_all_others() -> None:
    """Sums of scraped series drop all process labels.

    Otherwise two exporters of one Redis would count as two.
    """
    for rule in rules():
        assert not re.search(r"\bby \(", rule["expr"]), rule["expr"]
        for dropped, series in re.findall(r"without \(([^)]*)\) \(\s*(?:\w+\(\s*)*([\w:]+)", rule["expr"]):
            if ":" not in series and series not in OWN_MATCH:
                assert set(OF_ONE_PROCESS) <= set(dropped.split(", ")), rule["expr"]


OWN_MATCH = ("max",)
"""A sum over the result of a sum."""


def test_matches_name_only_labels_that_every_target_has() -> None:
    """`on` a target's own labels, on the Redis between programs whose other labels differ, or on a bucket."""
    for rule in rules():
        for labels in re.findall(r"\bon \(([^)]*)\)", rule["expr"]):
            assert labels in {"job, instance", "instance", "le"}, rule["expr"]
