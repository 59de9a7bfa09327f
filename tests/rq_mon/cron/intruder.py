"""Changes Redis between the reads of a transaction and its EXEC."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.client import Pipeline


def before_exec(monkeypatch: pytest.MonkeyPatch, intrude: Callable[[], object]) -> Callable[[], bool]:
    """Interrupt the next transaction once, after its last read; return whether that happened."""
    pending, multi = [intrude], Pipeline.multi

    def interrupted(pipeline: Pipeline) -> None:
        if pending:
            pending.pop()()
        multi(pipeline)

    monkeypatch.setattr(Pipeline, "multi", interrupted)
    return lambda: not pending
