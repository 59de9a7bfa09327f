"""redis-cli logs in to Redis without a password in its command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stack.native.programs import REDIS_CLI
from stack.redis_access import RedisAccess
from stack.redis_cli import redis_cli
from stack.runtime import StackError
from stack.variables import REDIS_TLS_FILES
from tests.harness.tls_redis import Certificates, TlsRedisServer

pytestmark = pytest.mark.needs("redis-cli")


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("sec:ret/@\n")
    return path


def options(access: RedisAccess) -> tuple[list[str], dict[str, str]]:
    words, environment = redis_cli(access)
    assert words[0] == REDIS_CLI.path()
    return words[1:], environment


def test_the_password_is_in_the_environment_and_the_user_in_the_command(password_file: Path) -> None:
    access = RedisAccess("redis://127.0.0.1:7000/2", "operator", password_file)

    assert options(access) == (
        ["-u", "redis://127.0.0.1:7000/2", "--user", "operator"],
        {"REDISCLI_AUTH": "sec:ret/@"},
    )


def test_a_password_is_removed_from_the_address() -> None:
    assert options(RedisAccess("redis://:sec%3Aret@queues.example/0")) == (
        ["-u", "redis://queues.example/0"],
        {"REDISCLI_AUTH": "sec:ret"},
    )


def test_a_redis_without_a_password_gets_none() -> None:
    address = "redis://queues.example:6379/0"

    assert options(RedisAccess(address)) == (["-u", address], {})


@pytest.mark.needs("redis-server")
def test_a_redis_with_tls_and_client_certificates_answers(tmp_path: Path) -> None:
    own = Certificates(tmp_path / "certificates", "127.0.0.1")
    files = dict(zip(REDIS_TLS_FILES, (own.ca, own.client_cert, own.client_key), strict=True))
    with TlsRedisServer(tmp_path, own, asks_clients=True) as server:
        words, _ = redis_cli(RedisAccess(server.url, tls_files=files))

        answer = subprocess.run([*words, "ping"], capture_output=True, text=True, check=False)

    assert answer.stdout == "PONG\n", answer.stderr


def test_a_unix_socket_is_supported() -> None:
    assert options(RedisAccess("unix:///run/redis.sock")) == (["-s", "/run/redis.sock"], {})


def test_sentinels_are_refused_because_redis_cli_does_not_support_them() -> None:
    with pytest.raises(StackError, match="does not follow Sentinels"):
        redis_cli(RedisAccess("redis+sentinel://a:1,b:2/queues/0"))
