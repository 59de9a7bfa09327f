"""The monitoring itself breaks."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.drill import jobs
from proofs.drill.configuration import SIGNS_OF_LIFE
from proofs.drill.fault import expect, fault
from proofs.drill.faults.jobs import COUNTERS, NEW_SERIES
from proofs.drill.stack import DrillStack
from rq_mon.series import waits_key
from scheduler import SHORT_RUNNING_QUEUE
from stack.services import ALERTMANAGER, REDIS_EXPORTER, RQ_EXPORTER

SCRAPE = 15
"""Seconds between two samples of a counter; an increase needs two."""

AMBIGUOUS_RULE = """
groups:
  - name: rq-drill
    rules:
      - record: queue:rq_jobs:total
        expr: rq_queue_workers * on (queue) rq_jobs
"""
"""Each queue has one series for workers, but one series of jobs for each state."""


@fault(expect("RQExporterDown"))
def exporter_stopped(stack: DrillStack) -> Iterator[None]:
    """The exporter is stopped."""
    with stack.stopped(RQ_EXPORTER):
        yield


@fault(expect("RQRedisMetricsMissing"))
def redis_exporter_stopped(stack: DrillStack) -> Iterator[None]:
    """The exporter of Redis' own metrics is stopped."""
    with stack.stopped(REDIS_EXPORTER):
        yield


@fault(expect("RQExporterErrors"), expect("RQJobsNotCounted"))
def foreign_key(stack: DrillStack) -> Iterator[None]:
    """Another program overwrites a key that holds counts."""
    with stack.overwritten(waits_key(SHORT_RUNNING_QUEUE)):
        stack.enqueue(SHORT_RUNNING_QUEUE, jobs.succeed)
        yield


@fault(expect("RQSeriesBudgetExceeded", queue="imports", adds=COUNTERS + NEW_SERIES))
def too_many_functions(stack: DrillStack) -> Iterator[None]:
    """A queue has more functions than its limit of series (here: one)."""
    with stack.workers("imports", RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE="1"):
        stack.enqueue("imports", jobs.succeed)
        stack.enqueue("imports", jobs.take, 0)
        yield


@fault(expect("RQRulesFailing", adds=SCRAPE))
def ambiguous_rule(stack: DrillStack) -> Iterator[None]:
    """A rule is added that joins series which are not unique."""
    with stack.rule_file("drill.yml", AMBIGUOUS_RULE):
        yield


@fault(expect("RQNotificationsFailing", integration="webhook", adds=90 - 13))
def receiver_fails(stack: DrillStack) -> Iterator[None]:
    """One of the receivers, that of the signs of life, answers 500."""
    with stack.webhook.failing(SIGNS_OF_LIFE):
        yield


@fault(expect("RQAlertmanagerDown", only_shown=True))
def alertmanager_stopped(stack: DrillStack) -> Iterator[None]:
    """Alertmanager is stopped: no alert can be sent, and the signs of life stop."""
    with stack.stopped(ALERTMANAGER):
        before = len(stack.webhook.notifications)
        yield
        arrived = stack.webhook.notifications[before:]
        if arrived:
            raise AssertionError(f"expected that nothing arrives without Alertmanager, got {arrived}")
