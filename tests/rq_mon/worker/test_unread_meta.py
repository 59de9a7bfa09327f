"""A worker passes `meta` on as stored; only a work horse whose job uses it loads it."""

from __future__ import annotations

import os
import pickle
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Repeat, Retry
from rq.job import Callback, Job

from rq_mon.worker.monitored_worker import MonitoredWorker
from rq_mon.worker.unread_meta import UnreadMetaMixin, with_unread_meta
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends
from tests.rq_mon.worker.noted import PROTOCOLS, processes, store_noted_meta, stored_fields

NAME = "rq_mon_function"
RQ_3 = version("rq").startswith("3.")


class Packed:
    """An application's own serializer, whose data are not readable."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        return b"packed" + zlib.compress(pickle.dumps(value))

    @staticmethod
    def loads(data: bytes) -> Any:
        return pickle.loads(zlib.decompress(data.removeprefix(b"packed")))


class OwnJob(Job):
    """An application's job class, which uses `meta` as it is restored."""

    seen = None

    def restore(self, raw_data: Any) -> Any:
        restored = super().restore(raw_data)
        self.seen = self.meta.get("customer")
        return restored


def work(redis: Redis, *queues: str | Queue, **options: Any) -> None:
    MonitoredWorker(list(queues), connection=redis, **options).work(burst=True, logging_level="CRITICAL")


@pytest.mark.slow
def test_meta_that_no_job_uses_is_never_loaded_and_stays_unchanged(
    redis_client: Redis, queue: Queue, tmp_path: Path
) -> None:
    """However the job ends: RQ saves it for each retry, in the work horse and in the worker."""
    retry = Retry(max=1)
    stored = {}
    for protocol in PROTOCOLS:
        first = queue.enqueue(jobs.succeed)
        for job in (
            first,
            queue.enqueue(jobs.succeed, depends_on=first),
            queue.enqueue(jobs.succeed, repeat=Repeat(times=1)),
            queue.enqueue(jobs.fail, retry=retry),
            queue.enqueue(jobs.kill_work_horse, retry=retry),
        ):
            path = tmp_path / f"{protocol}-{job.id}"
            stored[job.id] = job, path, store_noted_meta(redis_client, job, path, protocol)

    work(redis_client, "mail")

    assert ends(redis_client, "mail") == {
        ("succeed", "success"): 4 * len(PROTOCOLS),
        **{
            (name, end): len(PROTOCOLS)
            for name in ("fail", "kill_work_horse")
            for end in ("retried", "failed")
        },
    }
    for job, path, fields in stored.values():
        assert processes(path) == [], job.func_name
        assert stored_fields(redis_client, job) == fields, job.func_name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_meta_is_loaded_in_the_work_horse_that_uses_it(
    redis_client: Redis, queue: Queue, tmp_path: Path, protocol: int
) -> None:
    """It also names the job, which here only the work horse can find out."""
    job = queue.enqueue(jobs.use_meta)
    store_noted_meta(redis_client, job, tmp_path / "loaded", protocol, **{NAME: "invoice.send"})

    work(redis_client, "mail")

    loaded = processes(tmp_path / "loaded")
    assert loaded
    assert {parent for _, parent in loaded} == {str(os.getpid())}
    assert ends(redis_client, "mail") == {("invoice.send", "success"): 1}
    assert job.return_value() == str(sorted(["customer", NAME]))


def test_a_name_in_long_meta_is_read_in_the_work_horse(redis_client: Redis, queue: Queue) -> None:
    queue.enqueue(jobs.succeed, meta={NAME: "invoice.send", "rows": [*range(100_000)]})
    work(redis_client, "mail")
    assert ends(redis_client, "mail") == {("invoice.send", "success"): 1}


@pytest.mark.parametrize("serializer", ["pickle", "json", Packed])
def test_a_job_can_use_change_and_be_named_by_its_meta_with_any_serializer(
    redis_client: Redis, serializer: Any
) -> None:
    queue = Queue("mail", connection=redis_client, serializer=serializer)
    meta = {"customer": 7, NAME: "invoice.send"}
    used = queue.enqueue(jobs.use_meta, meta=meta)
    changed = queue.enqueue(jobs.change_meta, meta=meta, retry=Retry(max=1))
    failed = queue.enqueue(
        jobs.fail, meta=meta, on_failure=Callback(jobs.use_meta_in_callback), retry=Retry(max=2)
    )

    work(redis_client, queue, serializer=serializer)

    assert used.return_value() == str(sorted(meta))
    assert redis_client.get("meta") == str(sorted(meta)).encode()
    assert changed.get_meta() == {**meta, "seen": True}
    assert failed.get_meta() == meta
    assert ends(redis_client, "mail") == {
        ("invoice.send", "success"): 2,
        ("invoice.send", "retried"): 2,
        ("invoice.send", "failed"): 1,
    }


@pytest.mark.parametrize("stored", [b"\x80\x05broken", b"{", b"cgone\nGone\n.", pickle.dumps([7]), b"7"])
def test_a_job_with_unreadable_meta_ends_and_keeps_it(
    redis_client: Redis, queue: Queue, stored: bytes
) -> None:
    job = queue.enqueue(jobs.fail, retry=Retry(max=1))
    redis_client.hset(job.key, "meta", stored)  # type: ignore[arg-type]

    work(redis_client, "mail")

    assert {end for _, end in ends(redis_client, "mail")} == {"retried", "failed"}
    assert redis_client.hmget(job.key, ["meta"]) == [stored]


def test_unreadable_meta_is_returned_as_stored(redis_client: Redis, queue: Queue) -> None:
    """Under the key that RQ uses for it."""
    stored = queue.enqueue(jobs.succeed)
    redis_client.hset(stored.key, "meta", b"\x80\x05broken")  # type: ignore[arg-type]

    job = with_unread_meta(Job).fetch(stored.id, connection=redis_client)

    assert job.meta == {"unserialized": b"\x80\x05broken"}
    job.save()
    written: Any = redis_client.hget(stored.key, "meta")
    assert (written == b"\x80\x05broken") == RQ_3, "RQ 2 writes what it gave"


def test_an_applications_job_class_can_use_meta_as_before(redis_client: Redis, tmp_path: Path) -> None:
    job_class = with_unread_meta(OwnJob)
    stored = OwnJob.create(jobs.use_meta, meta={"customer": 7}, connection=redis_client, origin="mail")
    stored.save()
    job: Any = job_class.fetch(stored.id, connection=redis_client)
    assert isinstance(job, OwnJob)
    assert job.seen == 7
    assert with_unread_meta(job_class) is job_class
    assert issubclass(with_unread_meta(Job), UnreadMetaMixin)


@pytest.mark.parametrize("as_key", [str, str.encode])
def test_restoring_a_job_loads_neither_meta_nor_an_old_result(
    redis_client: Redis, queue: Queue, tmp_path: Path, as_key: Any
) -> None:
    """RQ also accepts field names as text."""
    stored = queue.enqueue(jobs.succeed)
    store_noted_meta(redis_client, stored, tmp_path / "loaded", PROTOCOLS[-1])
    raw: Any = redis_client.hgetall(stored.key)
    job: Any = with_unread_meta(Job)(stored.id, connection=redis_client)

    job.restore({as_key(name.decode()): value for name, value in raw.items()})

    assert job.origin == "mail"
    assert job.to_dict()["meta"] == raw[b"meta"]
    assert processes(tmp_path / "loaded") == []


def test_unused_meta_is_saved_as_it_was_read(redis_client: Redis, queue: Queue) -> None:
    written = {"customer": 7}
    job_id = queue.enqueue(jobs.succeed, meta=written).id
    job: Any = with_unread_meta(Job).fetch(job_id, connection=redis_client)
    stored = redis_client.hget(job.key, "meta")
    redis_client.hdel(job.key, "meta")

    assert "meta" not in job.to_dict(include_meta=False)
    job.save(include_meta=False)
    assert redis_client.hget(job.key, "meta") is None
    job.save_meta()
    assert redis_client.hget(job.key, "meta") == stored
    redis_client.hdel(job.key, "meta")
    job.save()
    assert redis_client.hget(job.key, "meta") == stored

    job.meta["customer"] = 8
    assert "meta" in job.to_dict(include_result=False)
    assert "meta" not in job.to_dict(include_meta=False)
    job.save_meta()
    assert job.get_meta() == {"customer": 8}
    job.refresh()
    job.meta = {}
    job.save_meta()
    job.refresh()
    assert job.meta == {}
