from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from tests.harness.same_inputs import try_the_same_inputs

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("untimed")
try_the_same_inputs()


@pytest.fixture
def registry(redis_client: Any) -> CronRegistry:
    return CronRegistry(redis_client)


@pytest.fixture
def claims(redis_client: Any) -> TickClaims:
    return TickClaims(redis_client, grace=3600)
