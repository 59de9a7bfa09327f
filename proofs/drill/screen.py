"""Alerts in Prometheus, and so on the dashboards, for those that cannot be sent."""

from __future__ import annotations

import time
from collections.abc import Collection

from proofs.drill.inbox import Arrival
from proofs.drill.stack import DrillStack


class Screen:
    """Looks for firing alerts.

    Args:
        stack: the stack whose Prometheus to ask.
        names: the alerts to look for.
    """

    def __init__(self, stack: DrillStack, names: Collection[str]) -> None:
        self._stack = stack
        self._names = names
        self._seen: dict[frozenset[tuple[str, str]], Arrival] = {}

    def arrivals(self) -> list[Arrival]:
        """Return every alert that has fired since the first call, oldest first."""
        if self._names:
            self._look()
        return list(self._seen.values())

    def _look(self) -> None:
        now = time.monotonic()
        firing = {
            frozenset(alert["labels"].items()): alert
            for alert in self._stack.alerts()
            if alert["state"] == "firing" and alert["labels"]["alertname"] in self._names
        }
        for key, arrival in self._seen.items():
            arrival.resolved = None if key in firing else arrival.resolved or now
        for key in firing.keys() - self._seen.keys():
            self._seen[key] = Arrival(firing[key]["labels"], firing[key]["annotations"], now)
