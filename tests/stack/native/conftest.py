"""A native stack that runs, for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.harness.native_stack import NativeStack


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    copy.evaluate_rules_every(seconds=2)
    started = copy.make("start-rq-mon")
    try:
        assert started.returncode == 0, started.stdout
        yield copy
    finally:
        copy.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


@pytest.fixture
def queues_of_the_stack(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that a test schedules go to the stack, as those of an application do."""
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())
