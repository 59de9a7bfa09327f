"""KEDA's scaling of workers: its queries to Prometheus, and the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from proofs.harness.prometheus import promtool
from rq_mon.catalogue import CATALOGUE
from stack.services import WORKERS, Service
from tests.deploy.rendered import KEDA, of_kind, rendered
from tests.prometheus.rules import nodes

OBJECTS = of_kind(rendered(KEDA), "ScaledObject")
LABELS = {name: set(metric.labels) for metric in CATALOGUE for name in metric.series}
TRIGGERS = [
    pytest.param(queue, trigger, id=f"{queue}-{trigger['name']}")
    for queue, worker in WORKERS.items()
    for trigger in OBJECTS[worker.name]["spec"]["triggers"]
]

BUSY = {
    "rq_jobs{queue='%s', status='queued', instance='a'}": 30,
    "rq_jobs{queue='%s', status='queued', instance='b'}": 30,
    "rq_jobs{queue='%s', status='started', instance='a'}": 2,
    "rq_jobs{queue='%s', status='failed', instance='a'}": 500,
    "rq_queue_oldest_job_age_seconds{queue='%s', instance='a'}": 45,
    "rq_queue_objective_wait_seconds{queue='%s', instance='a'}": 60,
}
"""Samples of a queue from two exporters at once; `another` is any other queue."""


def query(queue: str, name: str) -> str:
    spec = OBJECTS[WORKERS[queue].name]["spec"]
    (found,) = (trigger["metadata"]["query"] for trigger in spec["triggers"] if trigger["name"] == name)
    return str(found)


@pytest.mark.parametrize("worker", WORKERS.values(), ids=lambda worker: worker.name)
def test_the_workers_of_every_queue_are_scaled_and_none_to_zero(worker: Service) -> None:
    spec = OBJECTS[worker.name]["spec"]
    deployment = of_kind(rendered(KEDA), "Deployment")[worker.name]

    assert spec["scaleTargetRef"] == {"name": worker.name}
    assert spec["minReplicaCount"] >= 1, "without a worker no process enqueues delayed jobs"
    assert "replicas" not in deployment["spec"], "applying the manifests would undo what KEDA did"


@pytest.mark.parametrize(("queue", "trigger"), TRIGGERS)
def test_a_trigger_reads_existing_metrics_of_its_queue(queue: str, trigger: Any) -> None:
    asked = [
        node
        for node in nodes(promql_parser.parse(trigger["metadata"]["query"]))
        if isinstance(node, promql_parser.VectorSelector)
    ]

    assert asked
    for node in asked:
        matchers = {matcher.name: matcher.value for matcher in node.matchers.matchers}
        assert matchers["queue"] == queue
        assert matchers.keys() <= LABELS[node.name or ""]


@pytest.mark.parametrize(("queue", "trigger"), TRIGGERS)
def test_workers_are_kept_if_prometheus_has_no_series_of_the_queue(queue: str, trigger: Any) -> None:
    spec = OBJECTS[WORKERS[queue].name]["spec"]

    assert trigger["metadata"]["ignoreNullValues"] == "false", "no answer would count as no jobs"
    assert trigger.get("metricType", "AverageValue") == "AverageValue", "KEDA has no fallback for others"
    assert spec["fallback"]["replicas"] >= spec["minReplicaCount"]


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("queue", WORKERS)
def test_the_queries_return_the_share_of_the_wait_objective_and_the_running_jobs(
    queue: str, tmp_path: Path
) -> None:
    samples = [
        {"series": series % name, "values": str(value if name == queue else 10 * value)}
        for series, value in BUSY.items()
        for name in (queue, "another")
    ]
    expected = {"age": 0.75, "depth": 32}
    unit_test = {
        "evaluation_interval": "15s",
        "tests": [
            {
                "input_series": samples,
                "promql_expr_test": [
                    {
                        "expr": query(queue, name),
                        "eval_time": "0s",
                        "exp_samples": [{"labels": "{}", "value": value}],
                    }
                    for name, value in expected.items()
                ],
            }
        ],
    }
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump(unit_test))

    promtool("test", "rules", str(file))
