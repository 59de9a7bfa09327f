"""The rule files and their unit tests, for the tests in this folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import promql_parser
import yaml

from stack.settings import PROJECT_ROOT

PROMETHEUS = PROJECT_ROOT / "prometheus"
RUNBOOKS = PROJECT_ROOT / "docs" / "runbooks"

WATCHDOG = "Watchdog"

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Alert:
    """One alerting rule."""

    name: str
    severity: str
    expression: str
    lasting: float
    """Seconds that the expression must hold before the alert fires."""
    labels: dict[str, str]
    annotations: dict[str, str]

    def __str__(self) -> str:
        return f"{self.name}-{self.severity}"


@dataclass(frozen=True)
class Moment:
    """What a unit test expects of an alert at one time."""

    test: str
    alert: str
    time: float
    expected: list[dict[str, Any]]


def seconds(duration: str) -> float:
    """The seconds of a duration as Prometheus writes it: 1h30m."""
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule of every file."""
    return [
        rule
        for path in sorted((PROMETHEUS / "rules").rglob("*.yml"))
        for group in yaml.load(path.read_text(), yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[Alert]:
    """Every alerting rule."""
    return [
        Alert(
            rule["alert"],
            rule["labels"].get("severity", ""),
            rule["expr"],
            seconds(rule.get("for", "0s")),
            rule["labels"],
            rule["annotations"],
        )
        for rule in rules()
        if "alert" in rule
    ]


@cache
def unit_test_moments() -> list[Moment]:
    """Everything that the unit tests expect of alerts."""
    return [
        Moment(test["name"], check["alertname"], seconds(check["eval_time"]), check["exp_alerts"])
        for path in sorted((PROMETHEUS / "tests").glob("*.yml"))
        for test in yaml.load(path.read_text(), yaml.CSafeLoader)["tests"]
        for check in test.get("alert_rule_test", [])
    ]


def nodes(expression: Any) -> Iterator[Any]:
    """Every part of a parsed expression."""
    yield expression
    below = [getattr(expression, name, None) for name in ("expr", "lhs", "rhs", "param", "vector_selector")]
    for part in [*below, *(getattr(expression, "args", None) or [])]:
        if part is not None and not isinstance(part, str | int | float):
            yield from nodes(part)


def metrics(expression: str) -> set[str]:
    """The names of all series that the expression reads."""
    names: set[str] = set()
    for node in nodes(promql_parser.parse(expression)):
        if isinstance(node, promql_parser.VectorSelector):
            names |= {node.name} if node.name else _names_matched(node)
    return names


def _names_matched(selector: Any) -> set[str]:
    (matcher,) = [matcher for matcher in selector.matchers.matchers if matcher.name == "__name__"]
    return set(matcher.value.split("|"))


def windows_of(function: str, expression: str) -> list[float]:
    """The windows, in seconds, to which the expression applies a function."""
    return [
        argument.range.total_seconds()
        for node in nodes(promql_parser.parse(expression))
        if isinstance(node, promql_parser.Call) and node.func.name == function
        for argument in node.args
    ]
