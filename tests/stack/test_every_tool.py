"""Every tool accepts a Redis URL in each of its forms, or refuses it at the start in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue, SimpleWorker

from proofs.harness.exporter_process import running_exporter
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import running
from rq_mon.cli.main import main as rqmon
from rq_mon.connection.client import connect
from rq_mon.health import main as check_health
from rq_mon.settings import Settings, SettingsError
from stack.backup import kept
from stack.native.programs import REDIS_EXPORTER
from stack.redis_access import RedisAccess, access_of
from stack.redis_cli import redis_cli
from stack.redis_exporter import tls_variables, watched, write_passwords
from stack.redis_users import PROBE
from stack.runtime import StackError
from stack.services import REDIS
from stack.settings import load_settings
from stack.variables import REDIS_URL
from tests.harness.sentinels import SentinelGroup
from tests.harness.tls_redis import Certificates, TlsRedisServer

pytestmark = [
    pytest.mark.e2e(seconds=2),
    pytest.mark.needs("redis-server", "redis-cli", "prometheus-redis-exporter"),
]

PASSWORD, QUOTED = "p@ss:/?w", "p%40ss%3A%2F%3Fw"

FORMS = {
    "path": "redis://127.0.0.1:{port}/5",
    "query": "redis://127.0.0.1:{port}?db=5",
    "query before path": "redis://localhost:{port}/0?db=5",
    "login": "redis://default:{password}@127.0.0.1:{port}/5",
    "login in the query": "redis://127.0.0.1:{port}?db=5&username=default&password={password}",
    "socket": "unix://{folder}/redis.sock?db=5",
    "socket and login": "unix://default:{password}@{folder}/redis.sock?db=5",
    "unverified": "rediss://127.0.0.1:{port}/5?ssl_cert_reqs=none",
    "unverified name": "rediss://127.0.0.1:{port}?db=5&ssl_check_hostname=false&ssl_ca_certs={ca}",
    "sentinel": "{sentinel}/5",
    "sentinel query": "{sentinel}?db=5",
}


@pytest.fixture(params=FORMS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of database 5 of a Redis, whose database 0 has other content."""
    form = FORMS[request.param]
    certificates = Certificates(tmp_path / "certificates", "redis.example")
    options = ["--unixsocket", str(tmp_path / "redis.sock")]
    if "{password}" in form:
        options += ["--requirepass", PASSWORD]
    if "{sentinel}" in form:
        with SentinelGroup(tmp_path / "group") as group:
            yield _filled(form.format(sentinel=group.url.removesuffix("/0")))
        return
    server = (
        TlsRedisServer(tmp_path, certificates, *options)
        if form.startswith("rediss")
        else RedisServer(tmp_path, *options)
    )
    with server:
        yield _filled(form.format(port=server.port, folder=tmp_path, password=QUOTED, ca=certificates.ca))


def _filled(url: str) -> str:
    other = url.replace("db=5", "db=0") if "db=5" in url else url.replace("/5", "/0")
    with connect(other) as client:
        Queue("another", connection=client).enqueue("os.getcwd")
    with connect(url) as client:
        for _ in range(2):
            Queue("five", connection=client).enqueue("os.getcwd")
        SimpleWorker(["five"], connection=client, name="worker").register_birth()  # type: ignore[no-untyped-call]
    return url


def test_every_tool_accepts_the_address(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(REDIS_URL, url)
    settings = load_settings({REDIS_URL: url}, tmp_path / "none")
    access = access_of(PROBE, settings)

    with running_exporter(url, tmp_path) as exporter:
        scrape = exporter.get()
        assert scrape.value("rq_jobs", queue="five", status="queued") == 2
        assert scrape.value("rq_jobs", queue="another", status="queued") is None
    assert rqmon(["status", "--json"]) == 0
    assert '"five"' in (said := capsys.readouterr().out)
    assert '"another"' not in said
    assert check_health(["worker", "five"]) == 0
    assert REDIS not in kept(settings)
    _redis_cli_is_there(access)
    _redis_exporter_is_there(access, tmp_path)


def _redis_cli_is_there(access: RedisAccess) -> None:
    if "sentinel" in access.address:
        with pytest.raises(StackError, match="does not follow Sentinels"):
            redis_cli(access)
        return
    words, environment = redis_cli(access)
    done = subprocess.run(
        [*words, "llen", "rq:queue:five"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "2\n", done.stderr


def _redis_exporter_is_there(given: RedisAccess, folder: Path) -> None:
    access, passwords = watched(given), folder / "passwords.json"
    write_passwords(passwords, given)
    environment = {
        "REDIS_ADDR": access.address,
        "REDIS_USER": access.username,
        "REDIS_PASSWORD_FILE": str(passwords),
        **tls_variables(given),
    }
    port = free_port()
    command = (REDIS_EXPORTER.path(), f"-web.listen-address=127.0.0.1:{port}")
    with running("redis-exporter", folder, port, command, "/metrics", environment) as exporter:
        assert "\nredis_up 1\n" in exporter.text("/metrics")


REFUSED = [
    "http://127.0.0.1",
    "redis://127.0.0.1:99999",
    "redis://[::1",
    "redis://127.0.0.1/five",
    "redis://127.0.0.1/5/6",
    "redis://127.0.0.1?db=five",
    "redis://127.0.0.1?db=-1",
    "redis://127.0.0.1?ssl_cert_reqs=none",
    "redis://127.0.0.1?nonsense=1",
    "redis://127.0.0.1?socket_timeout=soon",
    "rediss://127.0.0.1?ssl_cert_reqs=sometimes",
    "rediss://127.0.0.1?ssl_cert_reqs=none&ssl_check_hostname=true",
    "unix://?db=5",
    "unix:///tmp/redis.sock?db=five",
    "redis+sentinel://127.0.0.1/service?db=five",
    "redis+sentinel://127.0.0.1/service?nonsense=1",
    "REDIS://127.0.0.1",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_unsupported_address_is_refused_by_every_tool_in_one_line(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(REDIS_URL, url)
    with pytest.raises(SettingsError, match=f"^{REDIS_URL}: expected .+$"):
        Settings.from_environment()
    with pytest.raises(StackError, match=f"^{REDIS_URL}: expected .+$"):
        load_settings({REDIS_URL: url}, tmp_path / "none")
    assert rqmon(["status"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"rqmon: {REDIS_URL}: expected ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", [["-m", "rq_mon.exporter"], ["-m", "rq_mon.health", "cron"]])
def test_a_process_with_an_unsupported_address_ends_with_one_line(
    command: list[str], project_root: Path
) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project_root,
        env={**os.environ, REDIS_URL: "redis://:secret@127.0.0.1?db=five"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).strip()
    assert done.returncode != 0
    assert f"{REDIS_URL}: expected " in said
    assert len(said.splitlines()) == 1
    assert "secret" not in said


@pytest.mark.parametrize("option", ["ssl_ciphers=x", "ssl_ca_path=/etc/ssl", "ssl_password=x"])
def test_the_stack_refuses_tls_options_that_only_python_supports(option: str, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=f"without {option.partition('=')[0]}, which redis-cli and"):
        load_settings({REDIS_URL: f"rediss://queues.example?{option}"}, tmp_path / "none")
