"""A real Prometheus whose recording rules were evaluated over history that was written beforehand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from proofs.harness.prometheus import PrometheusServer, promtool

Json = dict[str, Any]


class RecordedPrometheus(PrometheusServer):
    """Answers from imported samples, and from what its rules recorded."""

    def record(self, rules: Path, names: Collection[str], start: int, end: int) -> None:
        """Evaluate the recording rules with these names over the past."""
        for level, groups in enumerate(_levels(rules, names)):
            file = self.directory / f"rules-{level}.yml"
            file.write_text(yaml.safe_dump({"groups": groups}))
            with self:
                # The path of the file determines when, within its interval, a rule is evaluated.
                promtool(
                    *("tsdb", "create-blocks-from", "rules", f"--url={self.url}"),
                    *(f"--output-dir={self.blocks}", f"--start={start}", f"--end={end}", file.name),
                    cwd=self.directory,
                )


def _levels(folder: Path, names: Collection[str]) -> Iterator[list[Json]]:
    """The recording rules in parts, each of which reads only scraped series or those of earlier parts.

    promtool does not see what it has just recorded.
    """
    todo = [
        (group.get("interval", "15s"), rule)
        for file in sorted(folder.rglob("*.yml"))
        for group in yaml.load(file.read_text(), yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
        if rule.get("record") in names
    ]
    while todo:
        waiting = {rule["record"] for _, rule in todo}
        now = [(interval, rule) for interval, rule in todo if not _waits_for(rule, waiting)]
        assert now, f"rules that wait for one another: {waiting}"
        todo = [item for item in todo if item not in now]
        yield [
            {"name": f"every-{every}", "interval": every, "rules": [rule for i, rule in now if i == every]}
            for every in sorted({interval for interval, _ in now})
        ]


def _waits_for(rule: Json, waiting: set[str]) -> bool:
    return any(name in rule["expr"] for name in waiting - {rule["record"]})
