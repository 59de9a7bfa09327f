"""Checks of configuration, rules and unit tests for every version of Prometheus."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from proofs.harness.waiting import wait_until
from stack.settings import PROJECT_ROOT

PROMETHEUS = PROJECT_ROOT / "prometheus"


def check_with_promtool(promtool: Sequence[str], folder: str = str(PROMETHEUS)) -> None:
    """Run all checks of promtool.

    Args:
        promtool: the command, without arguments.
        folder: the folder with the project's `prometheus`.

    Raises:
        AssertionError: it found a mistake. The message contains its output.
    """
    rules, tests = (
        [f"{folder}/{path.relative_to(PROMETHEUS)}" for path in sorted(PROMETHEUS.glob(pattern))]
        for pattern in ("rules/**/*.yml", "tests/*.yml")
    )
    for arguments in (
        ["check", "rules", *rules],
        ["check", "config", f"{folder}/prometheus.yml"],
        ["test", "rules", *tests],
    ):
        checked = subprocess.run([*promtool, *arguments], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def errors_of_all_rules(groups: Callable[[], list[dict[str, Any]]], within: float = 120) -> list[str]:
    """Wait until a Prometheus has evaluated every rule; return the errors of those that failed.

    Prometheus evaluates a group for the first time at some moment within its interval. A group whose interval
    is longer than `within` is not waited for: tests/prometheus/test_live.py evaluates all of them more often.

    Args:
        groups: returns the answer of /api/v1/rules.
        within: seconds for the slowest group.
    """

    def evaluated() -> list[dict[str, Any]]:
        rules = [rule for group in groups() if group["interval"] < within for rule in group["rules"]]
        return rules if all(rule["health"] != "unknown" for rule in rules) else []

    rules = wait_until(evaluated, "an evaluation of every rule", within=within, every=0.5)
    return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] != "ok"]
