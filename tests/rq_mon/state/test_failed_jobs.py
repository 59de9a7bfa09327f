"""For jobs of plain workers, the exception is the outermost in the traceback."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, SimpleWorker
from rq.job import Job

from rq_mon.state.failed_jobs import HALF_OF_TRACEBACK, FailedJob, read_failed_jobs, read_traceback
from rq_mon.state.stored_jobs import LONGEST_TEXT, read_functions
from tests.rq_mon.state import failing


@pytest.fixture
def fail(redis_client: Redis) -> Callable[..., FailedJob]:
    """Run a failing job with a plain worker, and read it."""

    def run(
        function: Callable[..., object], *args: object, is_async: bool = True, **options: Any
    ) -> FailedJob:
        queue = Queue("mail", connection=redis_client, is_async=is_async)
        job = queue.enqueue(function, *args, **options)
        SimpleWorker([queue], connection=redis_client).work(burst=True, logging_level="CRITICAL")
        (found,) = read_failed_jobs(redis_client, "mail", [job.id.encode()])
        return found

    return run


@pytest.mark.parametrize(
    ("function", "exception", "line"),
    [
        (failing.simple, "ValueError", "ValueError: no such order"),
        (failing.empty, "ValueError", "ValueError"),
        (failing.of_several_lines, "ValueError", "ValueError: one"),
        (failing.that_begins_with_a_new_line, "ValueError", "ValueError: "),
        (failing.within_a_class, "InnerError", "tests.rq_mon.state.failing.Outer.InnerError: x: y"),
        (failing.without_text, "NoTextError", None),
        (failing.caused, "ConnectionError", "ConnectionError: database"),
        (failing.caused_by_a_child, "ConnectionError", "ConnectionError: no result"),
        (failing.caused_by_another_job, "ConnectionError", "ConnectionError: no result"),
        (failing.while_handling, "ValueError", None),
        (failing.child_failed, "RuntimeError", "RuntimeError: child ended with 1:"),
        (failing.child_failed_with_a_chain, "RuntimeError", "RuntimeError: child ended with 1:"),
        (failing.another_job_failed, "RuntimeError", None),
        (failing.real_child_failed, "RuntimeError", "RuntimeError: Traceback (most recent call last):"),
        (failing.noted, "ValueError", "ValueError: bad row"),
        (failing.grouped, "ExceptionGroup", "ExceptionGroup: two parts (2 sub-exceptions)"),
        (failing.grouped_with_a_child, "ExceptionGroup", "ExceptionGroup: parts"),
        (failing.caused_by_a_group, "PermissionError", "PermissionError: no"),
        (failing.group_caused, "ExceptionGroup", "ExceptionGroup: parts (1 sub-exception)"),
        (failing.deep, "RecursionError", None),
        (failing.syntax, "SyntaxError", "SyntaxError: invalid syntax"),
        (failing.exits, "SystemExit", "SystemExit: 2"),
        (failing.huge_with_a_child, "ValueError", "ValueError: INSERT (1,2,3)"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
def test_the_outermost_exception_is_shown(
    fail: Callable[..., FailedJob],
    function: Callable[..., object],
    exception: str,
    line: str | None,
    is_async: bool,
) -> None:
    if function is failing.exits and not is_async:
        return  # ends the process that enqueues, as sys.exit() does
    found = fail(function, is_async=is_async)
    assert found.exception == exception
    if line is not None:
        assert found.last_line == line


@pytest.mark.parametrize("name", ["vlan-sync", "2026 report", "größe", "a.b-c"])
def test_a_module_may_have_any_name(fail: Callable[..., FailedJob], tmp_path: Path, name: str) -> None:
    found = fail(failing.in_a_module_called, name, str(tmp_path))
    assert (found.exception, found.last_line) == ("SyncError", f"{name}.SyncError: no answer: x")


@pytest.mark.parametrize("function", [failing.simple, failing.caused, failing.grouped, failing.exits])
def test_the_exception_of_a_failure_callback_is_shown(
    fail: Callable[..., FailedJob], function: Callable[..., object]
) -> None:
    found = fail(function, on_failure=Callback(failing.callback_raises))
    assert (found.exception, found.last_line) == ("PermissionError", "PermissionError: callback")


def test_without_a_stored_failure_a_job_failed_at_its_end(
    fail: Callable[..., FailedJob], redis_client: Redis
) -> None:
    """As versions of RQ before 1.13 wrote it."""
    job = fail(failing.simple)
    redis_client.delete(f"rq:results:{job.id}")
    redis_client.hset(f"rq:job:{job.id}", "ended_at", "2026-03-04T05:06:07.500000Z")

    (found,) = read_failed_jobs(redis_client, "mail", [job.id.encode()])

    assert found.failure_id == ""
    assert found.failed_at == datetime(2026, 3, 4, 5, 6, 7, 500_000, UTC).timestamp()


def test_if_the_data_show_no_function_it_comes_from_the_description(redis_client: Redis) -> None:
    fields: Any = {"origin": "mail", "data": b"\x00packed", "description": "shop.tasks.send('x')"}
    redis_client.hset("rq:job:packed", mapping=fields)

    (found,) = read_failed_jobs(redis_client, "mail", [b"packed"])

    assert found.function == "shop.tasks.send"
    assert read_functions(redis_client, [b"gone", b"packed"]) == ["unknown", "shop.tasks.send"]


def test_a_short_traceback_is_read_whole(fail: Callable[..., FailedJob], redis_client: Redis) -> None:
    job = fail(failing.caused)

    text = read_traceback(redis_client, job.id)

    assert text == Job.fetch(job.id, redis_client).latest_result().exc_string  # type: ignore[union-attr]


def test_the_middle_of_a_long_traceback_is_left_out(
    fail: Callable[..., FailedJob], redis_client: Redis
) -> None:
    text = "head\n" + "x" * 200_000 + "\nValueError: tail"
    job = fail(failing.simple)
    redis_client.delete(f"rq:results:{job.id}")
    stored: Any = {"type": "2", "exc_string": b64encode(zlib.compress(text.encode()))}
    redis_client.xadd(f"rq:results:{job.id}", stored)

    left_out = len(text) - 2 * HALF_OF_TRACEBACK
    gap = f"\n[... {left_out:,} bytes ...]\n"
    assert read_traceback(redis_client, job.id) == (
        text[:HALF_OF_TRACEBACK] + gap + text[-HALF_OF_TRACEBACK:]
    )


def test_the_beginning_and_end_of_a_long_traceback_are_read(
    fail: Callable[..., FailedJob], redis_client: Redis
) -> None:
    job = fail(failing.huge_with_a_child)
    text = read_traceback(redis_client, job.id)
    assert text.startswith("Traceback")
    assert "ValueError: INSERT" in text
    assert " bytes ...]" in text
    assert "the rest is not read" in text
    assert len(text) < LONGEST_TEXT / 4


@pytest.mark.parametrize("key", ["rq:job:{}", "rq:results:{}"])
def test_a_foreign_key_is_an_unknown_job_and_the_others_are_read(
    fail: Callable[..., FailedJob], redis_client: Redis, key: str
) -> None:
    foreign, good = fail(failing.simple), fail(failing.caused)
    redis_client.delete(key.format(foreign.id))
    redis_client.lpush(key.format(foreign.id), "foreign")
    found = read_failed_jobs(redis_client, "mail", [foreign.id.encode(), good.id.encode()])
    assert "unknown" in (found[0].function, found[0].exception)
    assert found[1] == good
    read_traceback(redis_client, foreign.id)
