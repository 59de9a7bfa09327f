"""The exporter alone, from our image, by the line of docs/start/existing-prometheus.md."""

from __future__ import annotations

import shlex
from urllib.request import urlopen

import pytest

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from stack.settings import PROJECT_ROOT

pytestmark = [pytest.mark.compose, pytest.mark.slow]

PAGE = PROJECT_ROOT / "docs" / "start" / "existing-prometheus.md"
REDIS_ON_THE_PAGE = "RQ_REDIS_URL=redis://127.0.0.1:6379/0"


def test_the_exporter_runs_from_the_image_as_the_page_says(stack: ComposeStack) -> None:
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    (line,) = (
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("docker run")
    )
    port = free_port()
    here = {
        "rq-mon:local": stack.image,
        REDIS_ON_THE_PAGE: f"RQ_REDIS_URL={stack.redis_url()}",
        "--detach": f"--detach --env=RQ_EXPORTER_PORT={port}",
    }
    docker, *words = shlex.split(line)
    assert docker == "docker"
    assert here.keys() <= set(words)

    container = stack.docker(*(part for word in words for part in here.get(word, word).split())).strip()

    def metrics() -> str:
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    try:
        text = wait_until(metrics, "the exporter in its container")
        assert "rq_redis_up 1.0" in text.splitlines()
    finally:
        stack.docker("rm", "--force", container)
