"""Notifications that reached the webhook, with the time of arrival."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs.drill.configuration import ALERTS, SIGNS_OF_LIFE
from proofs.harness.webhook import Webhook


@dataclass
class Arrival:
    """An alert that was sent."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    fired: float
    """The time of its first arrival."""
    resolved: float | None = None
    """The time at which it was reported as resolved; None while it is firing."""

    @property
    def name(self) -> str:
        """Name, queue and severity."""
        queue = self.labels.get("queue")
        where = f"queue={queue}, " if queue else ""
        return f"{self.labels['alertname']} ({where}{self.labels['severity']})"


class Inbox:
    """Reads what the webhook has received since the last look."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        self._read = 0
        self._arrivals: dict[str, Arrival] = {}

    def forget(self) -> None:
        """Forget all arrivals."""
        self._look()
        self._arrivals.clear()

    def arrivals(self) -> list[Arrival]:
        """Return every alert that has arrived, oldest first."""
        self._look()
        return list(self._arrivals.values())

    def watchdogs(self) -> int:
        """Return the number of Watchdog notifications."""
        return len(self._webhook.alerts(SIGNS_OF_LIFE))

    def _look(self) -> None:
        new = self._webhook.notifications[self._read :]
        self._read += len(new)
        for path, body in new:
            if path == f"/{ALERTS}":
                for alert in body["alerts"]:
                    self._record(alert)

    def _record(self, alert: Mapping[str, Any]) -> None:
        now = time.monotonic()
        known = self._arrivals.get(alert["fingerprint"])
        if alert["status"] == "resolved":
            if known is not None and known.resolved is None:
                known.resolved = now
        elif known is None:
            self._arrivals[alert["fingerprint"]] = Arrival(alert["labels"], alert["annotations"], now)
        else:
            known.resolved = None
