"""Redis behind Sentinels: the URL, and a failover that loses no job."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.job import Job

from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import CRON_TICKS_KEY
from rq_mon.connection.address import hosts_of
from rq_mon.connection.client import connect
from rq_mon.connection.sentinel import Master, MasterNotFoundError
from rq_mon.health import main as check_health
from rq_mon.settings import Settings, SettingsError
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from tests.harness import jobs
from tests.harness.processes import Start
from tests.harness.sentinels import SERVICE, SentinelGroup
from tests.harness.tls_redis import Certificates

URL = "RQ_REDIS_URL"
FORM = "redis+sentinel://host:port,host:port/service/database"

EVERY_SECOND = """
from scheduler.cron.entries import CronEntry
from rq_mon.cron.runner import run_cron_scheduler
from tests.harness import jobs
run_cron_scheduler([CronEntry(function=jobs.add, function_args=(1, 2), cron="* * * * * *", id="second")])
"""

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.slow]


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SentinelGroup]:
    """A Sentinel group for each test; RQ_REDIS_URL points to it."""
    with SentinelGroup(tmp_path) as group:
        monkeypatch.setenv(URL, group.url)
        yield group


def test_two_threads_can_ask_the_sentinels_at_once(group: SentinelGroup) -> None:
    asked: list[tuple[str, int]] = []

    class Sentinel(tuple[str, int]):
        """Asks for the master when it is compared with others, like another thread might."""

        __slots__ = ()

        def __ne__(self, other: object) -> bool:
            if not asked:
                asked.append(("", 0))
                asked[0] = master.address()
            return super().__ne__(other)

    options = {"socket_timeout": 5, "connection_class": Connection}
    master = Master(SERVICE, [Sentinel(("127.0.0.1", port)) for port in group.ports], options)

    assert [master.address(), *asked] == [("127.0.0.1", group.master_port())] * 2


# --- the address -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"redis+sentinel://a:1,b:2/{SERVICE}/3", ["a", "b"]),
        (f"redis+sentinel://user:secret@a,b,c/{SERVICE}", ["a", "b", "c"]),
        (f"rediss+sentinel://:secret@[::1]:26379,b/{SERVICE}/0", ["::1", "b"]),
    ],
)
def test_an_address_contains_sentinels_and_a_service(url: str, expected: list[str]) -> None:
    settings = Settings.from_environment({URL: url})

    assert hosts_of(settings.redis_url) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://:secret@a:1,b:2", f"{FORM}, got no service"),
        ("redis+sentinel://:secret@a:1,,b:2/queues", f"{FORM}, got no host where one is expected"),
        ("redis+sentinel:///queues", f"{FORM}, got no host where one is expected"),
        *(
            (address, "a URL with a port, a whole number from 1 to 65535")
            for address in (
                "redis+sentinel://:secret@a:port/queues",
                "redis+sentinel://:secret@a:1,b:0/queues",
                "redis://:secret@a:port/0",
                "redis://:secret@a:0/0",
                "rediss://:secret@a:65536",
            )
        ),
        ("redis+sentinel://:secret@a:1/queues/first", f"{FORM}, whose database is a whole number"),
        ("sentinel://:secret@a:1/queues", "a URL that starts with redis://, rediss://, redis+sentinel://"),
    ],
)
def test_an_invalid_address_is_refused_without_showing_its_password(url: str, problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({URL: url})

    assert str(error.value).startswith(f"{URL}: expected {problem}")
    assert "secret" not in str(error.value)


def test_user_and_password_of_redis_can_come_from_their_own_settings(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    given = {"RQ_REDIS_USERNAME": "ann", "RQ_REDIS_PASSWORD_FILE": str(tmp_path / "password")}

    settings = Settings.from_environment({URL: f"redis+sentinel://a:1,b:2/{SERVICE}/0", **given})

    assert settings.redis_url == f"redis+sentinel://ann:secret@a:1,b:2/{SERVICE}/0"


# --- asking Sentinels --------------------------------------------------------------------------------------


def test_the_master_comes_from_the_first_sentinel_that_answers(group: SentinelGroup) -> None:
    group.kill_sentinel(0)

    with connect(group.url.replace("/0", "/5"), attempts=1) as client:
        client.set("where", "here")

    with connect(f"redis://127.0.0.1:{group.master.port}/5") as client:
        assert client.get("where") == b"here"


def test_reports_the_answer_of_each_sentinel_if_none_knows_the_master(group: SentinelGroup) -> None:
    group.kill_sentinel(0)
    url = group.url.replace(SERVICE, "other")

    with connect(url, attempts=1) as client, pytest.raises(MasterNotFoundError) as error:
        client.ping()

    assert str(error.value).startswith("no Sentinel names the master of 'other': ")
    assert str(error.value).count("does not know this service") == 2
    assert "Connection refused" in str(error.value)


def test_redis_and_sentinels_can_each_require_a_password(group: SentinelGroup) -> None:
    with connect(f"redis://127.0.0.1:{group.master.port}/0") as master:
        master.execute_command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")
        master.execute_command("ACL", "SETUSER", "default", "off")
    for port in group.ports:
        with connect(f"redis://127.0.0.1:{port}") as sentinel:
            sentinel.execute_command("ACL", "SETUSER", "default", ">hidden", "resetpass", ">watch")
    url = group.url.replace("://", "://ann:secret@") + "?sentinel_password=watch"

    with connect(url, attempts=1) as client:
        assert client.execute_command("ACL", "WHOAMI") == b"ann"
    with (
        connect(url.replace("watch", "wrong"), attempts=1) as client,
        pytest.raises(MasterNotFoundError, match="invalid username-password pair"),
    ):
        client.ping()


def test_sentinels_and_redis_can_speak_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "certificates", "127.0.0.1")
    with SentinelGroup(tmp_path, certificates) as group:
        given = {URL: group.url, "RQ_REDIS_CA_FILE": str(certificates.ca)}
        with connect(Settings.from_environment(given).redis_url, attempts=1) as client:
            assert client.ping()
        with (
            connect(group.url, attempts=1) as client,
            pytest.raises(MasterNotFoundError, match="certificate is not accepted"),
        ):
            client.ping()


# --- failovers ---------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_a_failover_loses_no_job_and_everything_goes_on(
    group: SentinelGroup, start: Start, tmp_path: Path
) -> None:
    with running_exporter(group.url, tmp_path) as exporter:
        start("short-running-worker.py")
        start("-c", EVERY_SECOND)
        wait_until(lambda: _is_worked(exporter), "worker and cron scheduler")
        _wait_for_ticks(group, 2)
        acknowledged = _enqueue_until_replicated(group, 200)

        group.master.kill()

        wait_until(lambda: exporter.get().value("rq_redis_up") == 0, "the exporter to miss Redis", every=0.02)
        group.wait_for_failover()
        wait_until(lambda: exporter.get().value("rq_redis_up") == 1, "the exporter to find Redis")
        client = connect(group.url)
        wait_until(
            lambda: {job.get_status() for job in Job.fetch_many(acknowledged, client) if job} == {"finished"},
            "all jobs that were acknowledged",
            within=120,
            every=0.5,
        )
        assert all(Job.fetch_many(acknowledged, client))
        after = job_scheduler(jobs.add, (3, 4))
        assert isinstance(after, Job)
        wait_until(lambda: after.return_value() == 7, "a job of afterwards", within=60)
        _wait_for_ticks(group, _ticks(client) + 2)
        wait_until(lambda: _is_worked(exporter), "worker and cron scheduler again", within=60)
        delayed = job_scheduler(jobs.fail_once, retry_intervals=1)
        assert isinstance(delayed, Job)
        wait_until(lambda: delayed.get_status() == "finished", "RQ's scheduler to move a retry", within=120)
        assert check_health(["worker", SHORT_RUNNING_QUEUE]) == check_health(["cron"]) == 0
        client.close()


def _enqueue_until_replicated(group: SentinelGroup, number: int) -> list[str]:
    """Enqueue jobs faster than they run; return their ids once the replica has all of them."""
    ids = []
    for _ in range(number):
        job = job_scheduler(jobs.sleep, (0.06,))
        assert isinstance(job, Job)
        ids.append(job.id)
    with connect(f"redis://127.0.0.1:{group.master.port}/0") as master:
        wait_until(lambda: _is_replicated(master), "the replica")
        assert master.llen(f"rq:queue:{SHORT_RUNNING_QUEUE}"), "the failover comes while jobs wait"
    return ids


def _is_replicated(master: Any) -> bool:
    """Whether the replica was complete at one moment: WAIT counts only writes of its own connection."""
    state = master.info("replication")
    return bool(state["slave0"]["offset"] >= state["master_repl_offset"])


def _is_worked(exporter: Exporter) -> bool:
    scrape = exporter.get()
    return (
        scrape.value("rq_queue_workers", queue=SHORT_RUNNING_QUEUE) == 1
        and scrape.value("rq_cron_schedulers") == 1
    )


def _ticks(client: Any) -> int:
    return int(client.hget(CRON_TICKS_KEY, "second:enqueued") or 0)


def _wait_for_ticks(group: SentinelGroup, number: int) -> None:
    with connect(group.url) as client:
        wait_until(lambda: _ticks(client) >= number, f"{number} ticks", within=60)


@pytest.mark.e2e
def test_clients_of_a_frozen_master_switch_to_the_new_one(
    group: SentinelGroup, start: Start, tmp_path: Path
) -> None:
    with running_exporter(group.url, tmp_path) as exporter:
        start("short-running-worker.py")
        wait_until(lambda: exporter.get().value("rq_queue_workers", queue=SHORT_RUNNING_QUEUE), "the worker")

        group.master.signal(signal.SIGSTOP)
        try:
            group.wait_for_failover()
            wait_until(lambda: exporter.get().value("rq_redis_up") == 1, "the exporter", within=60)
            job = job_scheduler(jobs.add, (1, 2))
            assert isinstance(job, Job)
            wait_until(lambda: job.return_value() == 3, "the job", within=120)
        finally:
            group.master.signal(signal.SIGCONT)


def test_a_demoted_master_receives_no_more_writes(group: SentinelGroup) -> None:
    client = connect(group.url, attempts=1)
    client.set("before", 1)
    with connect(f"redis://127.0.0.1:{group.master.port}/0") as master:
        master.client_setname("tester")
        master.execute_command("REPLICAOF", "127.0.0.1", str(group.replica.port))

    with pytest.raises(RedisConnectionError, match="is no longer the master"):
        client.set("after", 1)
    client.close()


def test_an_exporter_without_sentinels_answers_in_time(tmp_path: Path) -> None:
    no_sentinel = ",".join(f"127.0.0.1:{free_port()}" for _ in range(3))
    with running_exporter(f"redis+sentinel://{no_sentinel}/{SERVICE}/0", tmp_path) as exporter:
        scrape = exporter.get()

    assert scrape.value("rq_redis_up") == 0
    assert scrape.value("rq_exporter_errors_total", reason="unreachable") == 1
    assert scrape.seconds < 20  # the test waits for a minute
    assert "no Sentinel names the master" in exporter.log
