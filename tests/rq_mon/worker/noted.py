"""Pickles that record which process loads them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from redis import Redis
from rq.job import Job

from tests.rq_mon.worker import jobs

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Noted:
    """When it is unpickled, it appends the ids of the process and its parent to a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return jobs.note_process, (self.path,)


def processes(path: Path) -> list[list[str]]:
    """Return the ids of process and parent for each load."""
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def store_noted_meta(redis: Redis, job: Job, path: Path, protocol: int, **others: object) -> dict[str, bytes]:
    """Store `meta` and an old result that record their loads; return the stored bytes."""
    stored = {
        "meta": pickle.dumps({"customer": Noted(path), **others}, protocol),
        "result": pickle.dumps(Noted(path), protocol),
    }
    written: Any = stored
    redis.hset(job.key, mapping=written)
    return stored


def stored_fields(redis: Redis, job: Job) -> dict[str, bytes | None]:
    found: Any = redis.hmget(job.key, ["meta", "result"])
    return dict(zip(("meta", "result"), found, strict=True))
