"""Prometheus' alert rules and their alerts, for the alert list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

AlertState = Literal["firing", "pending", "inactive"]
BY_IMPORTANCE: tuple[AlertState, ...] = ("firing", "pending", "inactive")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: a rule and the labels that it holds for."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: AlertState
    since: datetime


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule with its alerts of the moment."""

    name: str
    state: AlertState
    alerts: tuple[Alert, ...]

    @property
    def since(self) -> datetime | None:
        """When the first of its alerts became pending, None while there is none."""
        return min((alert.since for alert in self.alerts), default=None)


def to_alert_rules(answer: Any) -> list[AlertRule]:
    """Read Prometheus' answer to rules?type=alert, the most important first."""
    rules = [
        AlertRule(raw["name"], raw["state"], tuple(_alert(alert) for alert in raw.get("alerts") or ()))
        for group in answer["groups"]
        for raw in group["rules"]
    ]
    return sorted(rules, key=lambda rule: (BY_IMPORTANCE.index(rule.state), rule.name))


def _alert(raw: dict[str, Any]) -> Alert:
    labels = {name: value for name, value in raw["labels"].items() if name != "alertname"}
    since = datetime.fromisoformat(_to_microseconds(raw["activeAt"]))
    return Alert(labels, raw.get("annotations") or {}, raw["state"], since)


def _to_microseconds(time: str) -> str:
    """Cut Go's nanoseconds to what Python reads."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{fraction[:6].ljust(6, '0')}+00:00"
