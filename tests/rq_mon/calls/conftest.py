from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue


@pytest.fixture
def queue(redis_client: Redis) -> Queue:
    return Queue("mail", connection=redis_client)
