"""Alert list: the alert rules that are pending or firing, since when, and for which labels."""

from __future__ import annotations

from dash import html

from grafana.preview.alerts import BY_IMPORTANCE, Alert, AlertRule
from grafana.preview.dates import from_now
from grafana.preview.links import Link, is_safe
from grafana.preview.panels.scene import Drawing, Scene, anchor, no_data

STATE_NAMES = {"firing": "firing", "pending": "pending", "inactive": "normal"}
"""Prometheus' state to that of the panel's filter."""

LINK_ANNOTATIONS = (("dashboard_url", "Dashboard"), ("runbook_url", "Runbook"))


def draw(scene: Scene) -> Drawing:
    """Draw one entry a rule, the firing ones first unless the panel sorts otherwise."""
    options = scene.panel.options
    rules = [rule for rule in scene.data.alerts if _is_wanted(rule, scene)]
    if not rules:
        return no_data(scene)
    ordered = _ordered(rules, options.get("sortOrder", 3))[: options.get("maxItems", 20)]
    return Drawing(html.Ul([_rule(rule, scene) for rule in ordered], className="alert-list"))


def _is_wanted(rule: AlertRule, scene: Scene) -> bool:
    states = scene.panel.options.get("stateFilter") or {}
    name = scene.view.text(str(scene.panel.options.get("alertName") or ""))
    return bool(states.get(STATE_NAMES[rule.state])) and name.lower() in rule.name.lower()


def _ordered(rules: list[AlertRule], order: int) -> list[AlertRule]:
    """Sort as Grafana numbers it: 1 and 2 by name, 3 by importance, 4 and 5 by time."""
    match order:
        case 1 | 2:
            return sorted(rules, key=lambda rule: rule.name, reverse=order == 2)
        case 4 | 5:
            return sorted(rules, key=lambda rule: str(rule.since), reverse=order == 5)
        case _:
            return sorted(rules, key=lambda rule: BY_IMPORTANCE.index(rule.state))


def _rule(rule: AlertRule, scene: Scene) -> html.Li:
    since = f"for {from_now(0)}"
    if rule.since is not None:
        since = from_now(min(-1.0, (rule.since - scene.view.now).total_seconds()))
    head = [
        html.Span(rule.state, className=f"alert-state alert-{rule.state}"),
        html.Span(rule.name, className="alert-name"),
        html.Span(f"since {since}", className="alert-since"),
    ]
    return html.Li([html.Div(head, className="alert-head"), *(_alert(alert) for alert in rule.alerts)])


def _alert(alert: Alert) -> html.Div:
    links = [
        anchor(Link(title, alert.annotations[key], not alert.annotations[key].startswith("/")), title)
        for key, title in LINK_ANNOTATIONS
        if is_safe(alert.annotations.get(key, ""))
    ]
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    summary = alert.annotations.get("summary", "")
    return html.Div(
        [
            html.Span(summary or labels, title=labels),
            *(html.Span(link, className="alert-link") for link in links),
        ],
        className="alert-instance",
    )
