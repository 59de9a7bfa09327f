"""The function of a job is known without unpickling its arguments."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.utils import resolve_function_reference

from rq_mon.calls.functions import function_path
from rq_mon.calls.job_function import HEAD_OF_DATA, function_of, read_function
from rq_mon.catalogue import UNKNOWN_FUNCTION
from tests.rq_mon.calls import methods
from tests.rq_mon.worker import jobs

NAMES = ["app.send", "app.größe", 'app."x"\n:', "a" * 300]


class Importer:
    """An argument that records when it is unpickled."""

    unpickled = 0

    def __reduce__(self) -> tuple[object, ...]:
        return (_count, ())

    def run(self) -> None: ...


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


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        (methods.Report().run, "Report.run"),
        (methods.Invoice().run, "Invoice.run"),
        (methods.Report(100_000).run, "Report.run"),
        (methods.Report(), "Report.__call__"),
        (methods.Invoice(), "Invoice.__call__"),
        (methods.Report.handle, "Report.handle"),
        (methods.Invoice.handle, "Invoice.handle"),
        (methods.Report.clear, "Report.clear"),
        (methods.Report().Report, "Report.Report"),
        (methods.Report.Part.Line().run, "Report.Part.Line.run"),
        (methods.Rebuilt().run, "Rebuilt.run"),
        (methods.Slotted().run, "Slotted.run"),
        (methods.Listed([1]).run, "Listed.run"),
        (methods.Named(1, 2).run, "Named.run"),
        (methods.Color.RED.run, "Color.run"),
        (methods.FailedError("x").run, "FailedError.run"),
        (functools.partial(methods.function, 1), "function"),
        (functools.partial(functools.partial(methods.function), 1), "function"),
    ],
)
def test_a_method_is_named_with_its_module_and_class(method: Any, name: str, protocol: int) -> None:
    instance, bare = resolve_function_reference(method)
    data = pickle.dumps((bare, instance, ("argument", 1), {"key": "value"}), protocol)

    assert read_function(data, None) == f"tests.rq_mon.calls.methods.{name}"
    assert read_function(data[:HEAD_OF_DATA], None) == f"tests.rq_mon.calls.methods.{name}"
    assert function_path(method) == f"tests.rq_mon.calls.methods.{name}"


def test_an_instance_is_not_unpickled(queue: Queue) -> None:
    instance, bare = resolve_function_reference(Importer().run)

    assert read_function(pickle.dumps((bare, instance, (), {})), None).endswith("._count.run")
    assert Importer.unpickled == 0


def test_a_method_of_an_unknown_class_has_its_own_name_only() -> None:
    assert read_function(pickle.dumps(("upper", "a text", (), {})), None) == "upper"


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("app.send('x', to=Customer(1))", "app.send"),
        ("send()", "send"),
        ("app.tasks.Report.run", "app.tasks.Report.run"),
        ("app.größe(1)", "app.größe"),
        ("Newsletter", UNKNOWN_FUNCTION),
        ("Send the mail (urgent)", UNKNOWN_FUNCTION),
        ("app.send to all", UNKNOWN_FUNCTION),
        ("1.5(x)", UNKNOWN_FUNCTION),
        ("", UNKNOWN_FUNCTION),
        (None, UNKNOWN_FUNCTION),
    ],
)
def test_if_the_data_are_unreadable_the_function_comes_from_the_description(
    description: str | None, name: str
) -> None:
    assert read_function(b"BZh91AY", description) == name


def test_the_function_of_an_unsaved_job_is_known(queue: Queue) -> None:
    job = Job.create(jobs.succeed, connection=queue.connection)
    assert function_of(job) == "tests.rq_mon.worker.jobs.succeed"


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x05N.", b"\x80\x05K\x01.", b"nonsense", b"null", b"\xff\x00"]
)
def test_the_function_of_unreadable_data_is_unknown(queue: Queue, redis_client: Redis, data: bytes) -> None:
    job = queue.enqueue("app.send", description="A mail")
    redis_client.hset(job.key, mapping={"data": data})
    assert function_of(Job.fetch(job.id, connection=redis_client)) == UNKNOWN_FUNCTION


def test_a_name_with_a_lone_surrogate_is_made_storable(queue: Queue, redis_client: Redis) -> None:
    job = queue.enqueue("app.send.\ud800", description="x")
    name = function_of(Job.fetch(job.id, connection=redis_client))
    assert name == "app.send.?"
    redis_client.set("name", name)
