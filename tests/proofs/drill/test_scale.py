"""The shortened configuration: every wait is shorter, but long enough to measure."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from proofs.drill.scale import (
    EVALUATION_SECONDS,
    FACTOR,
    SCRAPE_SECONDS,
    scale_rules,
    scale_tree,
    scaled,
    seconds,
)
from rq_mon.objectives import load_objectives
from tests.prometheus.rules import nodes

FEWEST_SCRAPES = 4


@pytest.fixture
def tree(project_root: Path, tmp_path: Path) -> Path:
    shutil.copytree(project_root / "prometheus", tmp_path / "prometheus")
    scale_tree(tmp_path)
    return tmp_path


def rules(tree: Path) -> list[dict[str, Any]]:
    return [
        rule
        for path in sorted((tree / "prometheus" / "rules").rglob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def test_a_duration_is_divided_but_not_below_the_minimum() -> None:
    assert seconds("1h30m") == 5400
    assert scaled("1h") == "180000ms"
    assert scaled("30s") == "1500ms"
    assert scaled("30s", shortest=4) == "4000ms"


def test_every_for_is_divided_by_the_factor_and_no_rule_is_lost(project_root: Path, tree: Path) -> None:
    before, after = rules(project_root), rules(tree)

    assert len(after) == len(before) > 50
    for whole, part in zip(before, after, strict=True):
        assert seconds(part.get("for", "0s")) == pytest.approx(seconds(whole.get("for", "0s")) / FACTOR)


def windows(rule: dict[str, Any]) -> list[float]:
    return [
        node.range.total_seconds()
        for node in nodes(promql_parser.parse(rule["expr"]))
        if isinstance(node, promql_parser.MatrixSelector)
    ]


def test_every_window_is_shorter_and_contains_enough_scrapes(project_root: Path, tree: Path) -> None:
    pairs = [
        pair
        for whole, part in zip(rules(project_root), rules(tree), strict=True)
        for pair in zip(windows(whole), windows(part), strict=True)
    ]

    assert len(pairs) > 40
    for whole, part in pairs:
        assert part == max(whole / FACTOR, FEWEST_SCRAPES * SCRAPE_SECONDS)


def test_numbers_that_depend_on_durations_are_scaled_too(project_root: Path, tree: Path) -> None:
    text = "".join(path.read_text() for path in sorted((tree / "prometheus" / "rules").rglob("*.yml")))

    assert text.count(f" / {300 / FACTOR:g} unless ") == 3
    assert text.count(f"{EVALUATION_SECONDS:g} * sum_over_time(") == 2
    assert text.count(f"time() - {300 / FACTOR:g}") == text.count(f"({3600 / FACTOR:g} + max ") == 1
    assert not re.search(r"\b3600\b|\b300\b(?!\.0\")|30 \* sum_over_time", text)


def test_descriptions_are_not_scaled(project_root: Path) -> None:
    text = (project_root / "prometheus" / "rules" / "cron.yml").read_text()

    assert [rule["annotations"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]] == [
        rule["annotations"]
        for group in yaml.safe_load(scale_rules(text))["groups"]
        for rule in group["rules"]
    ]


@pytest.mark.needs("promtool", "amtool")
def test_prometheus_and_alertmanager_accept_the_shortened_configuration(tree: Path) -> None:
    folder = tree / "prometheus"
    for command in (
        ["promtool", "check", "config", "--syntax-only", str(folder / "prometheus.yml")],
        ["promtool", "check", "rules", *map(str, sorted((folder / "rules").rglob("*.yml")))],
        ["amtool", "check-config", str(folder / "alertmanager.yml")],
    ):
        checked = subprocess.run(command, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanagers_waits_are_divided_too(project_root: Path, tree: Path) -> None:
    whole, part = (
        yaml.safe_load((root / "prometheus" / "alertmanager.yml").read_text())["route"]
        for root in (project_root, tree)
    )

    for name in ("group_wait", "group_interval", "repeat_interval"):
        for before, after in zip([whole, *whole["routes"]], [part, *part["routes"]], strict=True):
            if name in before:
                assert seconds(after[name]) == pytest.approx(seconds(before[name]) / FACTOR)


def test_the_objectives_of_the_drill_are_valid(project_root: Path) -> None:
    objectives = load_objectives(project_root / "proofs" / "drill" / "objectives.yml")

    assert objectives.of("short-running").wait_seconds < 60
