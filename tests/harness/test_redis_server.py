"""A test's Redis answers when it should, and reports why it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.harness.redis_server import RedisServer

pytestmark = pytest.mark.needs("redis-server")


def test_a_redis_that_requires_a_password_has_started(tmp_path: Path) -> None:
    with RedisServer(tmp_path, "--requirepass", "secret") as server:
        assert server.process is not None


def test_a_redis_that_does_not_start_reports_the_reason(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Bad directive"), RedisServer(tmp_path, "--no-such-option", "1"):
        pass
