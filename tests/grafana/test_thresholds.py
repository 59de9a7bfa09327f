"""Thresholds on dashboards are the same as in rules or objectives."""

from __future__ import annotations

import re

import yaml

from grafana.common import WAIT_COLOURS
from grafana.queries import cron, workers
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.settings import PROJECT_ROOT
from tests.prometheus.rules import alerts


def bounds(alert: str) -> set[float]:
    """The values that an alert's expression compares with."""
    (expression,) = {rule.expression for rule in alerts() if rule.name == alert}
    return {float(number) for number in re.findall(r"[<>]=? ([\d.]+)", expression)}


def test_the_threshold_of_silent_workers_is_that_of_the_alert_on_lost_workers() -> None:
    assert workers.HEALTHY_EXPIRY in bounds("RQWorkersLost")


def test_the_threshold_of_late_cron_jobs_is_that_of_the_alert_on_overdue_ones() -> None:
    assert cron.LATE in bounds("RQCronJobOverdue")


def test_the_thresholds_of_waits_are_the_objectives_of_the_stacks_queues() -> None:
    objectives = yaml.safe_load((PROJECT_ROOT / "objectives.yml").read_text())["queues"]
    promised = [objectives[queue]["wait_seconds"] for queue in (SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE)]

    assert [step["value"] for step in WAIT_COLOURS["steps"]] == [None, 0, *promised]


def test_the_threshold_of_saturated_workers_is_that_of_the_alert() -> None:
    assert workers.SATURATED in bounds("RQWorkersSaturated")
