"""Users of Redis: each has only the rights that it needs, tested with a real Redis."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from stack.redis_users import EXPORTER, OPERATOR, PROBE, USERS, WORKER, RedisUser, write_users
from stack.secrets import ensure_secret, read_secret

pytestmark = pytest.mark.needs("redis-server")

ADMINISTRATION = [
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG GET *",
    "CONFIG SET dir /tmp",
    "KEYS *",
    "SHUTDOWN NOSAVE",
    "REPLICAOF 127.0.0.1 1",
    "MONITOR",
    "ACL LIST",
    "ACL WHOAMI",
    "ACL SETUSER default on nopass",
    "CLIENT KILL ID 1",
    "MODULE LIST",
    "SCRIPT FLUSH",
    "FUNCTION FLUSH",
    "FUNCTION LIST",
    "SWAPDB 0 1",
    "SAVE",
    "MIGRATE 127.0.0.1 1 rq:a 0 1",
    "RANDOMKEY",
]
WRITES = ["SET rq:a 1", "DEL rq:a", "LPUSH rq:queue:a 1", "HSET rq:job:a b c", "EXPIRE rq:a 1"]
WRITES_BY_SCRIPT = ["EVAL redis.call('set',KEYS[1],1) 1 rq:a", "PUBLISH rq:pubsub:worker stop"]
READS = ["GET rq:a", "HGETALL rq:job:a", "SMEMBERS rq:queues", "ZRANGE rq:failed:a 0 -1", "TYPE rq:a"]
FOREIGN_KEYS = [
    "GET secret",
    "SET secret 1",
    "DEL secret",
    "RENAME rq:a secret",
    "COPY secret rq:a",
    "SORT rq:list BY secret:*",
]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def server(secrets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    directory = tmp_path_factory.mktemp("redis")
    write_users(directory / "users.acl", secrets)
    options = ("--aclfile", str(directory / "users.acl"), "--appendonly", "yes", "--lua-time-limit", "100")
    with RedisServer(directory, *options) as server:
        yield server


def client(server: RedisServer, secrets: Path, user: RedisUser) -> Redis:
    return Redis(port=server.port, username=user.name, password=read_secret(secrets, user.secret))


def run(server: RedisServer, secrets: Path, user: RedisUser, command: str) -> object:
    with client(server, secrets, user) as redis:
        return redis.execute_command(*command.split())


def each(user: RedisUser, commands: list[str]) -> list[tuple[RedisUser, str]]:
    return [(user, command) for command in commands]


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_every_user_logs_in_with_its_own_password_only(
    server: RedisServer, secrets: Path, user: RedisUser
) -> None:
    with client(server, secrets, user) as redis:
        assert redis.ping()
    with pytest.raises(AuthenticationError):
        Redis(port=server.port, username=user.name, password="guessed").ping()


@pytest.mark.parametrize("credentials", [{}, {"password": ""}, {"username": "default", "password": ""}])
def test_only_users_of_redis_log_in(server: RedisServer, credentials: dict[str, str]) -> None:
    for command in ("PING", "FLUSHALL", "GET rq:a"):
        with Redis(port=server.port, **credentials) as redis, pytest.raises(AuthenticationError):  # type: ignore[arg-type]
            redis.execute_command(*command.split())


@pytest.mark.parametrize(
    ("user", "command"),
    [
        *(pair for user in USERS for pair in each(user, ADMINISTRATION)),
        *(pair for user in (WORKER, OPERATOR, EXPORTER) for pair in each(user, FOREIGN_KEYS)),
        *(pair for user in (EXPORTER, PROBE) for pair in each(user, WRITES + WRITES_BY_SCRIPT)),
        *each(PROBE, READS),
        *((user, "SCAN 0") for user in (WORKER, EXPORTER, PROBE)),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_commands_that_a_user_does_not_need_are_refused(
    server: RedisServer, secrets: Path, user: RedisUser, command: str
) -> None:
    with pytest.raises(NoPermissionError):
        run(server, secrets, user, command)


@pytest.mark.parametrize(
    ("user", "command"),
    [
        *(pair for user in (WORKER, OPERATOR) for pair in each(user, WRITES + WRITES_BY_SCRIPT)),
        *(pair for user in (WORKER, OPERATOR, EXPORTER) for pair in each(user, READS)),
        *each(OPERATOR, ["SCAN 0", "SLOWLOG GET", "MEMORY USAGE rq:a", "CLIENT LIST", "INFO"]),
        *each(PROBE, ["PING", "INFO"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_commands_that_a_user_needs_are_allowed(
    server: RedisServer, secrets: Path, user: RedisUser, command: str
) -> None:
    run(server, secrets, user, command)


def test_a_script_cannot_reach_foreign_keys_either(server: RedisServer, secrets: Path) -> None:
    with pytest.raises(ResponseError, match="can't access at least one of the keys"):
        run(server, secrets, WORKER, "EVAL redis.call('get','secret') 0")


def test_redis_keeps_no_password_in_its_file_of_users(server: RedisServer, secrets: Path) -> None:
    users = server.directory / "users.acl"

    for user in USERS:
        assert read_secret(secrets, user.secret) not in users.read_text()
    assert users.stat().st_mode & 0o777 == 0o600


def test_transactions_survive_a_restart(server: RedisServer, secrets: Path) -> None:
    """Redis replays its append-only file as the user `default`."""
    with client(server, secrets, WORKER) as redis, redis.pipeline() as transaction:
        transaction.hset("rq:job:kept", "data", "x")
        transaction.rpush("rq:queue:kept", "kept")
        transaction.execute()

    server.signal(signal.SIGTERM)
    assert server.process
    server.process.wait(timeout=60)
    server.start()

    with client(server, secrets, WORKER) as redis:
        assert redis.hget("rq:job:kept", "data") == b"x"
        assert redis.lrange("rq:queue:kept", 0, -1) == [b"kept"]


def test_the_operator_can_end_a_script_that_blocks_redis(server: RedisServer, secrets: Path) -> None:
    """As Redis' message suggests; users that run jobs may not."""
    with client(server, secrets, WORKER) as blocked, ThreadPoolExecutor() as pool:
        endless = pool.submit(blocked.eval, "while true do end", 0)
        wait_until(lambda: is_busy(server, secrets), "Redis to be busy")
        with pytest.raises(NoPermissionError):
            run(server, secrets, WORKER, "SCRIPT KILL")
        run(server, secrets, OPERATOR, "SCRIPT KILL")
        with pytest.raises(ResponseError, match="killed"):
            endless.result(timeout=60)


def is_busy(server: RedisServer, secrets: Path) -> bool:
    try:
        run(server, secrets, OPERATOR, "GET rq:a")
    except ResponseError as error:
        return str(error).startswith("BUSY ")
    return False


def test_a_later_start_keeps_the_passwords(secrets: Path, tmp_path: Path) -> None:
    before = ensure_secret(secrets, WORKER.secret).read_text()

    write_users(tmp_path / "users.acl", secrets)

    assert read_secret(secrets, WORKER.secret) == before
