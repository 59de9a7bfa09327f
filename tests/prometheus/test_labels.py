"""Rules in a Prometheus that is not the stack's: other job names, more labels, other addresses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus.rules import PROMETHEUS, rules

LONG = ("scenarios", "error-budgets")
UNIT_TESTS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.e2e(seconds=12)] if path.stem in LONG else [])
    for path in sorted((PROMETHEUS / "tests").glob("*.yml"))
    if path.stem != "recording"
]

KEPT = {"tier": "gold", "region": "west"}
"""Labels that a user's Prometheus gives to every target."""
OF_ONE_PROCESS = ("job", "pod", "container", "endpoint")
"""Labels that say which process served a series: what they tell apart is the same RQ."""

WITHOUT_SERIES = ("Alerting works", "no exporter answers")
"""In the texts of alerts that read no series whose labels could survive."""


def elsewhere(series: str) -> str:
    """The series as another Prometheus scrapes it: with another job name and more labels."""
    name, labels = re.fullmatch(r"([^{]+)\{(.*)\}", series, re.DOTALL).groups()  # type: ignore[union-attr]
    kept = "".join(f', {label}="{value}"' for label, value in KEPT.items())
    job = re.search(r'\bjob="([^"]*)"', labels)
    labels = re.sub(r'\bjob="[^"]*"(, )?', "", labels)
    return (
        f'{name}{{{labels}{", " if labels else ""}job="mine/{job[1] if job else "x"}", endpoint="web"{kept}}}'
    )


def with_labels(expected: dict[str, Any]) -> dict[str, Any]:
    """The alert as it fires there."""
    if any(text in str(expected) for text in WITHOUT_SERIES):
        return expected
    return {**expected, "exp_labels": {**expected["exp_labels"], **KEPT}}


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("path", UNIT_TESTS)
def test_alerts_fire_under_any_job_name_and_keep_the_users_labels(path: Path, tmp_path: Path) -> None:
    """Every unit test of an alert, with the series as another Prometheus has them."""
    unit_tests = yaml.load(path.read_text(), yaml.BaseLoader)  # all as text: 0x120 is no hexadecimal number
    unit_tests["rule_files"] = [str(path.parent / each) for each in unit_tests["rule_files"]]
    for test in unit_tests["tests"]:
        test["input_series"] = [
            {**each, "series": elsewhere(each["series"])} for each in test["input_series"]
        ]
        for check in test.get("alert_rule_test", []):
            check["exp_alerts"] = [with_labels(expected) for expected in check["exp_alerts"]]
        test["promql_expr_test"] = [
            {**check, "exp_samples": [{**one, "value": float(one["value"])} for one in check["exp_samples"]]}
            for check in test.get("promql_expr_test", [])
            if "ALERTS" in check["expr"]
        ]
    foreign = tmp_path / path.name
    foreign.write_text(yaml.safe_dump(unit_tests))

    result = subprocess.run(
        ["promtool", "test", "rules", foreign], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_no_rule_names_a_job_a_port_or_an_instance() -> None:
    for rule in rules():
        assert not re.search(r"\b(job|instance|pod|service)\s*(=|!)", rule["expr"]), rule["expr"]


def test_sums_drop_labels_by_name_so_that_others_survive() -> None:
    """Of scraped series all that tell processes apart, or two exporters of one Redis would be two."""
    for rule in rules():
        assert not re.search(r"\bby \(", rule["expr"]), rule["expr"]
        for dropped, series in re.findall(r"without \(([^)]*)\) \(\s*(?:\w+\(\s*)*([\w:]+)", rule["expr"]):
            if ":" not in series and series not in OWN_MATCH:
                assert set(OF_ONE_PROCESS) <= set(dropped.split(", ")), rule["expr"]


OWN_MATCH = ("max",)
"""A sum of what a sum has left."""


def test_matches_name_only_labels_that_every_target_has() -> None:
    """`on` a target's own labels, on the Redis between programs whose other labels differ, or on a bucket."""
    for rule in rules():
        for labels in re.findall(r"\bon \(([^)]*)\)", rule["expr"]):
            assert labels in {"job, instance", "instance", "le"}, rule["expr"]
