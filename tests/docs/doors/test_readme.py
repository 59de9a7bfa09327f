"""README.md as a newcomer uses it: its calls enqueue, and its three commands find and requeue what failed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis
from rq import Queue, SimpleWorker

from docs.reference.page import Page
from proofs.harness.redis_server import RedisServer
from rq_mon.cli.main import rqmon
from tests.harness.sources import ROOT

pytestmark = pytest.mark.slow

SHOP = """
def send_welcome(address): ...
def send_reminder(): ...
def send_digest(): ...
def rebuild_index():
    raise ConnectionError("no route to the index")
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an application with the functions that README names."""
    (tmp_path / "readme_shop.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_calls_enqueue_the_jobs_that_readme_describes(
    shop: Path, redis_client: Redis, redis_server: RedisServer
) -> None:
    (block,) = [block for block in Page.read(ROOT / "README.md").blocks if block.language == "python"]
    addresses = "from readme_shop import *; addresses = ['ann@example.org', 'bob@example.org']"

    result = subprocess.run(
        [sys.executable, "-c", f"{addresses}\n{block.text}"],
        env={**os.environ, "PYTHONPATH": f"{shop}:{ROOT}", "RQ_REDIS_URL": redis_server.url},
        cwd=shop,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert result.returncode == 0, result.stderr
    short, long = (Queue(name, connection=redis_client) for name in ("short-running", "long-running"))
    assert [job.func_name for job in short.jobs] == ["readme_shop.send_welcome"] * 3
    (rebuild,) = long.jobs
    assert (rebuild.func_name, rebuild.retries_left, rebuild.timeout) == ("readme_shop.rebuild_index", 3, 600)
    assert short.scheduled_job_registry.count == 1


@pytest.mark.parametrize("page", ["README.md", "docs/use/command-line.md"])
def test_the_three_commands_find_what_failed_and_run_it_again(
    page: str, shop: Path, redis_client: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", redis_server.url)
    (block,) = [block for block in Page.read(ROOT / page).blocks if block.text.startswith("./rqmon failed")]
    queue = Queue("index", connection=redis_client)
    queue.enqueue("readme_shop.rebuild_index")
    SimpleWorker([queue], connection=redis_client).work(burst=True)
    assert queue.failed_job_registry.count == 1

    groups, why, again = [
        CliRunner().invoke(rqmon, shlex.split(line, comments=True)[1:], input="y\n")
        for line in block.text.replace("requeue", "requeue --yes").splitlines()
    ]

    assert [each.exit_code for each in (groups, why, again)] == [0, 0, 0], again.output
    assert "rebuild_index" in groups.output
    assert "no route to the index" in why.output
    assert (queue.failed_job_registry.count, queue.count) == (0, 1)
