"""The objectives of the queues, so that rules compare a metric with a metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric as Family

from rq_mon import catalogue
from rq_mon.exporter.families.build import Values, numbers
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.objectives import Objective


def objective_families(objectives: CurrentObjectives, names: Iterable[str]) -> Iterator[Family]:
    """Yield the objectives of these queues; read the file again if it changed."""
    objectives.read_again_if_changed()
    queues = {name: objectives.of(name) for name in sorted(set(names))}
    yield numbers(
        catalogue.QUEUE_OBJECTIVE_WAIT,
        (((name, str(own.wait_seconds)), own.wait_seconds) for name, own in queues.items()),
    )
    yield numbers(
        catalogue.QUEUE_OBJECTIVE_RUN,
        (((name, str(own.run_seconds)), own.run_seconds) for name, own in queues.items()),
    )
    yield numbers(catalogue.QUEUE_OBJECTIVE_RATIO, _ratios(queues))


def _ratios(queues: dict[str, Objective]) -> Values:
    for name, own in queues.items():
        yield (name, "success"), own.success_ratio
        yield (name, "wait"), own.on_time_ratio
        yield (name, "run"), own.on_time_ratio
