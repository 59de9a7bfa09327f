"""The unit tests of the rules, with other series: of two Redis, and as a user's own Prometheus has them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus.rules import PROMETHEUS

pytestmark = [pytest.mark.e2e(seconds=8), pytest.mark.needs("promtool")]

Json = dict[str, Any]

MAIN, OTHER = "main", "other"

KEPT = {"tier": "gold", "region": "west"}
"""Labels that a user's Prometheus gives to every target."""
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


def with_labels(expected: Json) -> Json:
    """The expected alert with the other labels."""
    if any(text in str(expected) for text in WITHOUT_SERIES):
        return expected
    return {**expected, "exp_labels": {**expected["exp_labels"], **KEPT}}


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
    """All parts, and those of the Redis `main` again under the name of the other."""
    return [*parts, *(other for part in parts if (other := _of_other(part)) != part)]


def records(test: Json) -> bool:
    """Return whether a unit test is about recorded series, which deliberately have few labels."""
    return any("ALERTS" not in check["expr"] for check in test.get("promql_expr_test", []))


@pytest.mark.parametrize("path", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_alerts_fire_for_each_of_two_redis_under_any_job_name_and_keep_the_users_labels(
    path: Path, tmp_path: Path
) -> None:
    """Every unit test of the rules, with a second Redis that has the same names and the same fate."""
    unit_tests = yaml.load(path.read_text(), yaml.BaseLoader)  # all as text: 0x120 is no hexadecimal number
    unit_tests["rule_files"] = [str(path.parent / rules) for rules in unit_tests["rule_files"]]
    for test in unit_tests["tests"]:
        series, is_foreign = _both(test["input_series"]), not records(test)
        if is_foreign:
            series = [{**each, "series": elsewhere(each["series"])} for each in series]
        test["input_series"] = series
        for check in test.get("alert_rule_test", []):
            alerts = _both(check["exp_alerts"])
            check["exp_alerts"] = [with_labels(each) for each in alerts] if is_foreign else alerts
        for check in test.get("promql_expr_test", []):
            samples = [{**sample, "value": float(sample["value"])} for sample in check["exp_samples"]]
            check["exp_samples"] = _both(samples)
    changed = tmp_path / path.name
    changed.write_text(yaml.safe_dump(unit_tests))

    result = subprocess.run(
        ["promtool", "test", "rules", changed], capture_output=True, text=True, check=False
    )

    assert OTHER in changed.read_text()
    assert all(records(test) for test in unit_tests["tests"]) or KEPT["tier"] in changed.read_text()
    assert result.returncode == 0, result.stdout + result.stderr
