"""Redis over TLS: everything works with a trusted certificate, and an untrusted one gives a clear error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from proofs.harness.exporter_process import running_exporter
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import running
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from rq_mon.connection.tls import TlsError
from rq_mon.health import main as check_health
from rq_mon.settings import Settings, SettingsError
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from stack.native.programs import REDIS_EXPORTER
from stack.redis_access import RedisAccess
from stack.redis_exporter import tls_variables
from tests.harness import jobs
from tests.harness.processes import Start
from tests.harness.tls_redis import Certificates, TlsRedisServer

URL, CA, CERT, KEY = "RQ_REDIS_URL", "RQ_REDIS_CA_FILE", "RQ_REDIS_CERT_FILE", "RQ_REDIS_KEY_FILE"
CA_FILE = "a file with CA certificates in PEM"
WORKER, CRON = "short-running-worker.py", "cron-scheduler.py"

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def certificates(directory: Path) -> Certificates:
    return Certificates(directory / "own", "127.0.0.1")


@pytest.fixture(scope="module")
def others(directory: Path) -> Certificates:
    """Certificates of another authority, for the same address."""
    return Certificates(directory / "others", "127.0.0.1")


@pytest.fixture(scope="module")
def redis(directory: Path, certificates: Certificates) -> Iterator[TlsRedisServer]:
    with TlsRedisServer(directory, certificates) as server:
        yield server


@pytest.fixture(scope="module")
def asking_redis(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[TlsRedisServer]:
    """A Redis that requires a client certificate."""
    with TlsRedisServer(tmp_path_factory.mktemp("asking"), certificates, asks_clients=True) as server:
        yield server


def url_of(variables: dict[str, str]) -> str:
    return Settings.from_environment(variables).redis_url


def given(redis: RedisServer, certificates: Certificates) -> dict[str, str]:
    """The variables with which a process reaches this Redis."""
    own = {CA: certificates.ca, CERT: certificates.client_cert, KEY: certificates.client_key}
    return {URL: redis.url, **{name: str(path) for name, path in own.items()}}


@pytest.mark.slow
@pytest.mark.parametrize("asks", [False, True], ids=["server's certificate", "client's certificate too"])
def test_every_process_works_over_tls(
    asks: bool,
    request: pytest.FixtureRequest,
    certificates: Certificates,
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    redis: TlsRedisServer = request.getfixturevalue("asking_redis" if asks else "redis")
    variables = given(redis, certificates)
    if not asks:
        del variables[CERT], variables[KEY]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    start(WORKER)
    start(CRON)

    job = job_scheduler(jobs.add, (1, 2))
    later = job_scheduler(jobs.fail_once, retry_intervals=1)

    wait_until(lambda: job.return_value() == 3, "the job")
    wait_until(lambda: later.get_status() == "finished", "the retry, which RQ's scheduler moves")
    wait_until(lambda: check_health(["cron"]) == 0, "the cron scheduler")
    assert check_health(["worker", SHORT_RUNNING_QUEUE]) == 0
    with running_exporter(redis.url, tmp_path) as exporter:
        scrape = exporter.get()
        assert scrape.value("rq_redis_up") == 1
        assert scrape.value("rq_queue_monitored_workers", queue=SHORT_RUNNING_QUEUE) == 1
        assert exporter.get("/readyz").status == 200


def test_certificate_files_can_be_parameters_of_the_address(
    asking_redis: TlsRedisServer, certificates: Certificates
) -> None:
    own = certificates
    files = f"ssl_ca_certs={own.ca}&ssl_certfile={own.client_cert}&ssl_keyfile={own.client_key}"

    with connect(url_of({URL: f"{asking_redis.url}?{files}"}), attempts=1) as client:
        assert client.ping()


@pytest.mark.needs("prometheus-redis-exporter")
def test_redis_exporter_accepts_the_same_certificate_files(
    asking_redis: TlsRedisServer, certificates: Certificates, tmp_path: Path
) -> None:
    files = {CA: certificates.ca, CERT: certificates.client_cert, KEY: certificates.client_key}
    access = RedisAccess(asking_redis.url, tls_files=files)
    environment = {"REDIS_ADDR": access.address, **tls_variables(access)}
    port = free_port()
    command = (REDIS_EXPORTER.path(), f"-web.listen-address=127.0.0.1:{port}")

    with running("redis-exporter", tmp_path, port, command, "/metrics", environment) as exporter:
        assert "\nredis_up 1\n" in exporter.text("/metrics")


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_certificate_of_an_unknown_authority_is_refused_with_the_reason(
    redis: TlsRedisServer, others: Certificates, start: Start, tmp_path: Path
) -> None:
    variables = {URL: redis.url, CA: str(others.ca)}
    worker, cron = start(WORKER, **variables), start(CRON, **variables)

    for process in (worker, cron):
        process.wait_for_log("its certificate is not accepted: ")
        assert f"127.0.0.1:{redis.port}" in process.output
        assert CA in process.output
    _assert_exporter_reports_tls(redis, tmp_path, "its certificate is not accepted: ", **variables)


def test_a_self_signed_certificate_is_refused_without_its_ca(redis: TlsRedisServer, tmp_path: Path) -> None:
    with connect(redis.url, attempts=1) as client, pytest.raises(TlsError, match="self-signed certificate"):
        client.ping()

    _assert_exporter_reports_tls(redis, tmp_path, "self-signed certificate")


def _assert_exporter_reports_tls(redis: RedisServer, directory: Path, reason: str, **variables: str) -> None:
    with running_exporter(redis.url, directory, **variables) as exporter:
        first, second = exporter.get(), exporter.get()
        assert second.value("rq_redis_up") == 0
        counts = [scrape.value("rq_exporter_errors_total", reason="tls") for scrape in (first, second)]
        assert counts == [1, 2]
        assert exporter.get("/readyz").status == 503
        assert reason in exporter.log


def test_a_certificate_of_another_address_is_refused(tmp_path: Path) -> None:
    elsewhere = Certificates(tmp_path / "elsewhere", "queues.example")
    with TlsRedisServer(tmp_path, elsewhere) as server:
        url = url_of({URL: server.url, CA: str(elsewhere.ca)})
        with connect(url, attempts=1) as client, pytest.raises(TlsError, match="IP address mismatch"):
            client.ping()


def test_a_server_that_requires_a_client_certificate_reports_it(
    asking_redis: TlsRedisServer, certificates: Certificates, tmp_path: Path
) -> None:
    variables = {URL: asking_redis.url, CA: str(certificates.ca)}

    with (
        connect(url_of(variables), attempts=1) as client,
        pytest.raises(TlsError, match="may require a client certificate"),
    ):
        client.ping()

    _assert_exporter_reports_tls(asking_redis, tmp_path, "may require a client certificate", **variables)


def test_a_server_without_tls_has_a_different_error_than_a_stopped_one(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    url = redis_server.url.replace("redis://", "rediss://")

    with connect(url, attempts=1, socket_timeout=1) as client, pytest.raises(RedisTimeoutError) as error:
        client.ping()

    assert "no answer to TLS: the server is frozen, or does not use TLS" in str(error.value)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (
            {CA: "/nowhere.pem"},
            f"{CA}: expected {CA_FILE}, got /nowhere.pem: no such file",
        ),
        ({CA: __file__}, f"{CA}: expected {CA_FILE}, got {__file__}: "),
        (
            {CERT: "/nowhere.pem"},
            f"{CERT}: expected a client certificate and its key in PEM, got /nowhere",
        ),
        ({KEY: "/nowhere.key"}, f"{KEY}: expected the certificate of the key /nowhere.key, too"),
    ],
    ids=["no file", "no PEM", "no certificate", "a key alone"],
)
def test_an_invalid_certificate_file_is_refused_by_name(variables: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({URL: "rediss://queues", **variables})

    assert str(error.value).startswith(problem)


def test_an_invalid_certificate_file_in_the_address_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=f"{URL}: expected {CA_FILE}, got /nowhere"):
        Settings.from_environment({URL: "rediss://:secret@queues?ssl_ca_certs=/nowhere.pem"})


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://:secret@queues", r"an address that starts with rediss:// or rediss\+sentinel://"),
        ("rediss://:secret@queues?ssl_ca_certs=ca.pem", "an address without ssl_ca_certs"),
    ],
)
def test_certificate_files_with_an_address_without_tls_are_refused_without_showing_its_password(
    url: str, problem: str, certificates: Certificates
) -> None:
    with pytest.raises(SettingsError, match=f"{URL}: expected {problem}, since {CA} is set") as error:
        Settings.from_environment({URL: url, CA: str(certificates.ca)})

    assert "secret" not in str(error.value)


@pytest.mark.parametrize("command", [(WORKER,), (CRON,), ("-m", "rq_mon.exporter")])
def test_a_process_with_invalid_settings_ends_with_one_line(command: tuple[str, ...], start: Start) -> None:
    process = start(*command, **{URL: "rediss://queues", CA: "/nowhere.pem"})

    assert process.wait() != 0
    assert process.output.startswith(f"{CA}: expected a file with CA certificates")
    assert len(process.output.splitlines()) == 1
