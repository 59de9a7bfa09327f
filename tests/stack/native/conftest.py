"""A running native stack for the tests of a file."""

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
    """Jobs scheduled by a test go to the stack, like those of an application."""
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())
