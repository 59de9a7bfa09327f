"""Prometheus' rules as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).resolve().parents[2] / "prometheus" / "rules"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file of rules."""

    name: str
    about: str
    """The first paragraph of its opening comment."""
    groups: list[dict[str, Any]]

    def alerts(self) -> list[dict[str, Any]]:
        return [rule for group in self.groups for rule in group["rules"] if "alert" in rule]

    def recorded(self) -> list[tuple[str, dict[str, Any]]]:
        """Return its recording rules, each with the interval at which it is evaluated; "" is the default."""
        return [
            (group.get("interval", ""), rule)
            for group in self.groups
            for rule in group["rules"]
            if "record" in rule
        ]


@cache
def rule_files() -> list[RuleFile]:
    return [_read(path) for path in sorted(RULES.rglob("*.yml"))]


def _read(path: Path) -> RuleFile:
    text = path.read_text(encoding="utf-8")
    comment = text.split("\n#\n")[0].split("\n\n")[0]
    about = " ".join(line.removeprefix("#").strip() for line in comment.splitlines() if line.startswith("#"))
    return RuleFile(path.stem, about, yaml.load(text, yaml.CSafeLoader)["groups"])
