"""The exporter serves the whole catalogue, and nothing else under its prefix."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from redis import Redis
from rq import Queue, Worker

from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.redis_server import RedisServer
from rq_mon import catalogue
from rq_mon.cron.definition import define
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.exporter import jobs

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
def everything(redis_client: Redis) -> None:
    """A Redis in which every metric of the catalogue has a sample."""
    queue = Queue("mail", connection=redis_client)
    worker = Worker([queue], connection=redis_client, name="ann")
    worker.register_birth()  # type: ignore[no-untyped-call]
    redis_client.hset(worker.key, catalogue.WORKER_VERSION_FIELD, "1.4.2")
    job = queue.enqueue(jobs.succeed)
    worker.prepare_execution(job)
    worker.prepare_job_execution(job)
    redis_client.hset(job.key, "started_at", "2026-01-01T00:00:00.000000Z")
    recorder = JobRecorder(max_functions=10, max_exceptions=10)
    recorder.record_start(redis_client, Start("1", "mail", description="", waited=0.3))
    recorder.record_end(redis_client, End("1", "1", "mail", "tests.f", "failed", "ValueError", seconds=1))
    cron_job = define(
        jobs.succeed, "* * * * *", queue_name="mail", timezone=ZoneInfo("UTC"), now=time.time(), timeout=60
    )
    CronRegistry(redis_client).register(cron_job)
    TickClaims(redis_client, grace=3600).claim(time.time() + 60)


def _own(families: object) -> dict[str, Family]:
    """Families with the catalogue's prefix by name, without prometheus_client's creation times."""
    return {
        family.name: family
        for family in families  # type: ignore[attr-defined]
        if family.name.startswith("rq_") and not family.name.endswith("_created")
    }


def _family_name(metric: catalogue.Metric) -> str:
    return metric.name.removesuffix("_total") if metric.type == "counter" else metric.name


@pytest.mark.parametrize("metric", catalogue.CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_is_served_as_the_catalogue_describes_it(
    metric: catalogue.Metric, everything: None, registry: CollectorRegistry
) -> None:
    family = _own(registry.collect())[
        metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
    ]
    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]

    assert (family.type, family.documentation) == (metric.type, metric.help)
    assert {sample.name for sample in samples} == set(metric.series)
    assert {frozenset(sample.labels) - {"le"} for sample in samples} == {frozenset(metric.labels) - {"le"}}


def test_nothing_else_is_served_under_the_prefix(everything: None, registry: CollectorRegistry) -> None:
    assert _own(registry.collect()).keys() == {_family_name(metric) for metric in catalogue.CATALOGUE}


def test_both_formats_contain_the_same_samples(everything: None, exporter: Exporter) -> None:
    text = _own(parse_text(exporter.get().body.decode()))
    openmetrics = _own(parse_openmetrics(exporter.get(Accept=OPENMETRICS).body.decode()))  # type: ignore[no-untyped-call]

    assert text.keys() == openmetrics.keys()
    for name, family in text.items():
        assert {(sample.name, *sample.labels.items()) for sample in family.samples} == {
            (sample.name, *sample.labels.items())
            for sample in openmetrics[name].samples
            if not sample.name.endswith("_created")
        }


def test_openmetrics_names_a_job_of_each_bucket(everything: None, exporter: Exporter) -> None:
    families = _own(parse_openmetrics(exporter.get(Accept=OPENMETRICS).body.decode()))  # type: ignore[no-untyped-call]

    exemplars = [sample.exemplar for sample in families["rq_job_duration_seconds"].samples if sample.exemplar]

    assert [(exemplar.labels, exemplar.value) for exemplar in exemplars] == [({"job_id": "1"}, 1)]


@pytest.mark.needs("promtool")
def test_promtool_warns_only_about_accepted_exceptions(everything: None, exporter: Exporter) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=exporter.get().body, capture_output=True, check=False
    )

    complaints = {line.split(" ", 1)[0] for line in (checked.stdout + checked.stderr).decode().splitlines()}
    assert {name for name in complaints if name.startswith("rq_")} <= {
        # Rules use this label to find the histogram's bucket of an objective.
        "rq_queue_objective_run_seconds",
        "rq_queue_objective_wait_seconds",
    }


def test_without_an_address_no_job_pages_are_served(
    redis_client: Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    """The process reads its setting; without it there is no series."""
    address = {"RQ_MON_WEB_URL": "https://jobs.example/rq"}
    with running_exporter(redis_server.url, tmp_path, **address) as reported:
        assert reported.get().value(catalogue.JOB_PAGES_INFO.name, url="https://jobs.example/rq") == 1
    with running_exporter(redis_server.url, tmp_path) as silent:
        assert catalogue.JOB_PAGES_INFO.name not in silent.get().names()
