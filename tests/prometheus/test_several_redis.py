"""Several Redis under one Prometheus: the rules keep apart what has the same name in each."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus.rules import PROMETHEUS, metrics, rules

pytestmark = pytest.mark.slow

MAIN, OTHER = "main", "other"
LONG = ("scenarios", "error-budgets")
UNIT_TESTS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.e2e(seconds=12)] if path.stem in LONG else [])
    for path in sorted((PROMETHEUS / "tests").glob("*.yml"))
]


def _of_other(part: Any) -> Any:
    """The same of the other Redis."""
    text = json.dumps(part)
    for written in (
        f'instance=\\"{MAIN}\\"',
        f'"instance": "{MAIN}"',
        f"var-instance={MAIN}",
        f"Redis {MAIN} ",
        f'Redis {MAIN}"',
        f"exporter of {MAIN} ",
    ):
        text = text.replace(written, written.replace(MAIN, OTHER))
    return json.loads(text)


def _both(parts: list[Any]) -> list[Any]:
    """All parts, and those of the Redis `main` once more as of the other."""
    return [*parts, *(other for part in parts if (other := _of_other(part)) != part)]


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("path", UNIT_TESTS)
def test_an_event_in_two_redis_at_once_alerts_for_each(path: Path, tmp_path: Path) -> None:
    """Every unit test of the rules, with a second Redis that has the same names and the same fate."""
    unit_tests = yaml.load(path.read_text(), yaml.BaseLoader)  # all as text: 0x120 is no hexadecimal number
    unit_tests["rule_files"] = [str(path.parent / rules) for rules in unit_tests["rule_files"]]
    for test in unit_tests["tests"]:
        test["input_series"] = _both(test["input_series"])
        for check in test.get("alert_rule_test", []):
            check["exp_alerts"] = _both(check["exp_alerts"])
        for check in test.get("promql_expr_test", []):
            samples = [{**sample, "value": float(sample["value"])} for sample in check["exp_samples"]]
            check["exp_samples"] = _both(samples)
    doubled = tmp_path / path.name
    doubled.write_text(yaml.safe_dump(unit_tests))

    result = subprocess.run(
        ["promtool", "test", "rules", doubled], capture_output=True, text=True, check=False
    )

    assert OTHER in doubled.read_text()
    assert result.returncode == 0, result.stdout + result.stderr


OF_NO_REDIS = {"prometheus_rule_evaluation_failures_total", "alertmanager_notifications_failed_total"}


def test_no_rule_adds_up_or_compares_across_redis() -> None:
    """No sum drops the instance, and no match ignores it, but where exporters themselves are counted."""
    for rule in rules():
        if metrics(rule["expr"]) & OF_NO_REDIS or rule.get("alert") == "RQExporterDown":
            continue
        assert not re.search(r"\b(sum|avg|min|max|count|topk) ?\(", rule["expr"])
        for labels in re.findall(r"\b(?:without|ignoring) \(([^)]*)\)", rule["expr"]):
            assert "instance" not in labels.split(", "), rule["expr"]
