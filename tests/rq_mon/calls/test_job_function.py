"""The function of a job is known without unpickling its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job

from rq_mon.calls.job_function import function_of
from rq_mon.catalogue import UNKNOWN_FUNCTION
from tests.rq_mon.worker import jobs

NAMES = ["app.send", "app.größe", 'app."x"\n:', "a" * 300]


class Importer:
    """An argument that tells when it is unpickled."""

    unpickled = 0

    def __reduce__(self) -> tuple[object, ...]:
        return (_count, ())


def _count() -> None:
    Importer.unpickled += 1


def fetched(queue: Queue, function: str, *args: object, serializer: Any = None) -> Job:
    job = Queue("mail", connection=queue.connection, serializer=serializer).enqueue(function, *args)
    return Job.fetch(job.id, connection=queue.connection, serializer=serializer)


@pytest.mark.parametrize("serializer", [None, "json"])
@pytest.mark.parametrize("name", NAMES)
def test_the_function_is_the_one_that_was_enqueued(queue: Queue, name: str, serializer: str | None) -> None:
    assert function_of(fetched(queue, name, 1, serializer=serializer)) == name


def test_the_arguments_are_not_unpickled(queue: Queue) -> None:
    assert function_of(fetched(queue, "app.send", Importer())) == "app.send"
    assert Importer.unpickled == 0


def test_a_method_is_named_by_itself(queue: Queue) -> None:
    job = queue.enqueue(Path().exists)
    assert function_of(Job.fetch(job.id, connection=queue.connection)) == "exists"


def test_a_job_that_was_not_stored_yet_has_its_function(queue: Queue) -> None:
    job = Job.create(jobs.succeed, connection=queue.connection)
    assert function_of(job) == "tests.rq_mon.worker.jobs.succeed"


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x05N.", b"\x80\x05K\x01.", b"nonsense", b"null", b"\xff\x00"]
)
def test_data_that_cannot_be_read_is_an_unknown_function(
    queue: Queue, redis_client: Redis, data: bytes
) -> None:
    job = queue.enqueue("app.send")
    redis_client.hset(job.key, mapping={"data": data})
    assert function_of(Job.fetch(job.id, connection=redis_client)) == UNKNOWN_FUNCTION


def test_a_name_that_is_no_text_can_be_stored(queue: Queue, redis_client: Redis) -> None:
    job = queue.enqueue("app.send.\ud800", description="x")
    name = function_of(Job.fetch(job.id, connection=redis_client))
    assert name == "app.send.?"
    redis_client.set("name", name)
