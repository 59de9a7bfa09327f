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


def test_a_worker_is_silent_for_too_long_when_it_counts_as_lost() -> None:
    assert workers.HEALTHY_EXPIRY in bounds("RQWorkersLost")


def test_a_cron_job_is_late_when_it_counts_as_overdue() -> None:
    assert cron.LATE in bounds("RQCronJobOverdue")


def test_a_wait_has_the_colours_of_what_the_stacks_own_queues_promise() -> None:
    objectives = yaml.safe_load((PROJECT_ROOT / "objectives.yml").read_text())["queues"]
    promised = [objectives[queue]["wait_seconds"] for queue in (SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE)]

    assert [step["value"] for step in WAIT_COLOURS["steps"]] == [None, 0, *promised]


def test_a_share_of_saturated_workers_is_the_same_on_dashboards_and_in_the_alert() -> None:
    assert workers.SATURATED in bounds("RQWorkersSaturated")
