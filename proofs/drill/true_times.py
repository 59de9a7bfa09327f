"""Detection times with the files' own durations, computed from those in the drill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from proofs.drill.result import Observation
from proofs.drill.scale import EVALUATION_SECONDS, FACTOR, SCRAPE_SECONDS, seconds

WATCHDOG = "Watchdog"
"""It always fires."""


class TrueTimes:
    """The durations in the project's own files."""

    def __init__(self, project: Path) -> None:
        folder = project / "prometheus"
        self._lasting: dict[tuple[str, str], float] = {}
        for path in (folder / "rules").rglob("*.yml"):
            for group in _read(path)["groups"]:
                for rule in filter(lambda rule: "alert" in rule, group["rules"]):
                    self._lasting[rule["alert"], rule["labels"]["severity"]] = seconds(rule.get("for", "0s"))
        route = _read(folder / "alertmanager.yml")["route"]
        self._default_wait = seconds(route["group_wait"])
        self._critical_wait = next(
            seconds(each["group_wait"]) for each in route["routes"] if each["receiver"] == "critical"
        )
        intervals = _read(folder / "prometheus.yml")["global"]
        self._looking = seconds(intervals["scrape_interval"]) + seconds(intervals["evaluation_interval"])

    @property
    def alerts(self) -> set[str]:
        """The names of all alerts except Watchdog, which always fires."""
        return {name for name, _ in self._lasting} - {WATCHDOG}

    def of(self, observation: Observation) -> float | None:
        """Return the most seconds from the fault to the alert outside of the drill."""
        if observation.detected is None:
            return None
        is_critical = observation.severity == "critical"
        waits = self._lasting[observation.expected.alert, observation.severity]
        if not observation.expected.only_shown:
            waits += self._critical_wait if is_critical else self._default_wait
        looking = self._looking - SCRAPE_SECONDS - EVALUATION_SECONDS
        return observation.detected + waits - waits / FACTOR + observation.expected.adds + looking


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
