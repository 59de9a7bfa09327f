"""The exporter serves the objectives of known queues, and follows changes of the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker

from proofs.harness.redis_server import RedisServer
from rq_mon.exporter.families.objectives import objective_families
from rq_mon.exporter.families.workers import worker_families
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.snapshot import RedisReader
from rq_mon.state.errors import Errors

Samples = dict[tuple[str, ...], float]
"""Value by name and label values."""


class Scraped:
    """The objectives in a scrape of one Redis."""

    def __init__(self, path: Path | None, url: str) -> None:
        self.errors = Errors()
        self.objectives = CurrentObjectives(path, self.errors)
        self.reader = RedisReader(url, self.errors, self.objectives)

    def samples(self) -> Samples:
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in objective_families(self.objectives, self.reader.snapshot().queue_names())
            for sample in family.samples
        }

    def error_count(self) -> int:
        return self.errors.counts()["objectives"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "objectives.yml"
    path.write_text("queues: {mail: {wait_seconds: 15}}")
    return path


@pytest.fixture
def scraped(path: Path, redis_client: Redis, redis_server: RedisServer) -> Scraped:
    Queue("mail", connection=redis_client).enqueue("time.sleep", 0)
    return Scraped(path, redis_server.url)


def test_the_objective_of_a_known_queue_names_a_bucket_of_the_histogram(scraped: Scraped) -> None:
    samples = scraped.samples()

    assert samples["rq_queue_objective_wait_seconds", "mail", "15.0"] == 15
    assert samples["rq_queue_objective_run_seconds", "mail", "1800.0"] == 1800
    assert samples["rq_queue_objective_ratio", "mail", "success"] == 0.99
    assert samples["rq_queue_objective_ratio", "mail", "wait"] == 0.95
    assert samples["rq_queue_objective_ratio", "mail", "run"] == 0.95


def test_queue_that_a_worker_listens_to_is_known_before_its_first_job(
    scraped: Scraped, redis_client: Redis
) -> None:
    Worker(["new"], connection=redis_client).register_birth()  # type: ignore[no-untyped-call]

    assert scraped.samples()["rq_queue_objective_wait_seconds", "new", "300.0"] == 300


def test_an_edited_file_is_used_from_the_next_scrape_on(scraped: Scraped, path: Path) -> None:
    path.write_text("queues: {mail: {wait_seconds: 1800}}")

    assert scraped.samples()["rq_queue_objective_wait_seconds", "mail", "1800.0"] == 1800


@pytest.mark.parametrize("broken", ["queues: {mail: {wait_second: 15}}", None])
def test_a_broken_file_keeps_the_old_objectives_and_counts_one_error_per_scrape(
    scraped: Scraped, path: Path, broken: str | None
) -> None:
    before = scraped.samples()
    path.unlink() if broken is None else path.write_text(broken)

    assert [scraped.samples(), scraped.samples()] == [before, before]
    assert scraped.error_count() == 2


def test_a_fixed_file_ends_the_errors(scraped: Scraped, path: Path) -> None:
    path.write_text("nonsense")
    scraped.samples()
    path.write_text("queues: {mail: {wait_seconds: 60}}")

    assert ("rq_queue_objective_wait_seconds", "mail", "60.0") in scraped.samples()
    assert scraped.error_count() == 1


def test_without_a_file_every_queue_has_the_default_objective(
    redis_client: Redis, redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Queue("mail", connection=redis_client).enqueue("time.sleep", 0)

    assert ("rq_queue_objective_wait_seconds", "mail", "300.0") in Scraped(None, redis_server.url).samples()


def test_exporter_refuses_a_broken_file_with_the_reason(path: Path, project_root: Path) -> None:
    path.write_text("queues: {mail: {wait_seconds: 45}}")

    ended = subprocess.run(
        [sys.executable, "-m", "rq_mon.exporter"],
        env={**os.environ, "RQ_OBJECTIVES_FILE": str(path), "PYTHONPATH": str(project_root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    assert "queues.mail.wait_seconds: got 45, expected one of the buckets" in ended.stderr


def test_time_until_a_worker_is_forgotten_is_served(redis_client: Redis, redis_server: RedisServer) -> None:
    worker = Worker(["mail"], connection=redis_client, name="frozen", worker_ttl=20)
    worker.register_birth()  # type: ignore[no-untyped-call]
    redis_client.expire(worker.key, 25)

    errors = Errors()
    reader = RedisReader(redis_server.url, errors, CurrentObjectives(None, errors))
    families = worker_families(reader.snapshot())

    samples = [sample for family in families for sample in family.samples]
    expiry = next(sample for sample in samples if sample.name == "rq_worker_expires_in_seconds")
    assert expiry.labels == {"name": "frozen"}
    assert 20 < expiry.value <= 25
