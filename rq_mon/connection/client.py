"""Connections to Redis that do not hang, and retry after an error."""

from __future__ import annotations

import math
import os
import socket
from typing import Any

from redis import Connection, ConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.connection import parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from redis.utils import HIREDIS_AVAILABLE

from rq_mon.connection.address import names_sentinels, read_sentinel_address, uses_tls
from rq_mon.connection.packing import Packer
from rq_mon.connection.sentinel import Master, MasterConnection, MasterTlsConnection
from rq_mon.connection.tls import TlsConnection

CONNECT_TIMEOUT = 5.0
SOCKET_TIMEOUT = 10.0
HEALTH_CHECK_INTERVAL = 30
CONNECT_ATTEMPTS = 5

SENTINEL_TIMEOUT = 1.0
"""Timeout of one Sentinel in seconds: a scrape has less than two seconds in all."""

CONNECT_ERRORS = (RedisConnectionError, ConnectionError, FileNotFoundError, socket.gaierror)
"""Errors that are retried. redis-py's default lacks refused connections, and retries timeouts."""

# The kernel gives up on a silent peer after 30 + 3 * 10 s, where it has these options (Linux).
KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}.items()
    if hasattr(socket, name)
}


def connect(url: str, *, socket_timeout: float = SOCKET_TIMEOUT, attempts: int = CONNECT_ATTEMPTS) -> Redis:
    """Return a client for `url`; it connects at the first command.

    It tries `attempts` times to connect, with exponential backoff. It does not repeat a command that failed
    midway: Redis may have run it, and a repeated MULTI would enqueue or count a job twice.

    Args:
        url: an address as in RQ_REDIS_URL; see address.py.
        socket_timeout: seconds to wait for an answer; RQ's workers raise it for their blocking reads.
        attempts: attempts to connect before redis.ConnectionError is raised.
    """
    options: dict[str, Any] = {
        "socket_timeout": socket_timeout,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
        "retry": Retry(ExponentialBackoff(cap=2.0, base=0.1), attempts - 1, CONNECT_ERRORS),
        "redis_connect_func": _greet,
        "command_packer": None if HIREDIS_AVAILABLE else Packer(),
    }
    if not url.startswith("unix://"):
        options |= {
            "socket_connect_timeout": min(CONNECT_TIMEOUT, socket_timeout),
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
        }
    if names_sentinels(url):
        return Redis.from_pool(_master_pool(url, options))
    if uses_tls(url):
        options["connection_class"] = TlsConnection
    return Redis.from_url(url, **options)


_shared: dict[str, Redis] = {}


def shared_client(url: str) -> Redis:
    """Return this process' shared client for `url`. Do not close or change it.

    Its pool serves all threads; a forked process gets its own connections.
    """
    if url not in _shared:
        _shared.setdefault(url, connect(url))  # atomic, so that threads share one client
    return _shared[url]


def _leave_connections_to_parent() -> None:
    """In a forked process, give each client a new pool, and close the copies of the parent's sockets.

    Redis would count those as connections of the dead parent. Another thread of the parent may also have held
    the old pool's lock, which no one releases in the fork.
    """
    for client in _shared.values():
        pool: Any = client.connection_pool
        client.connection_pool = type(pool)(
            pool.connection_class, pool.max_connections, **pool.connection_kwargs
        )
        for connection in (*pool._available_connections, *pool._in_use_connections):
            connection.disconnect()  # only here: it knows that the process is another one


os.register_at_fork(after_in_child=_leave_connections_to_parent)


def _master_pool(url: str, options: dict[str, Any]) -> ConnectionPool:
    address = read_sentinel_address(url)
    given: dict[str, Any] = {**parse_url(address.master_url)}  # type: ignore[no-untyped-call]
    del given["host"]  # the Sentinels know it
    given.pop("connection_class", None)
    timeout = min(SENTINEL_TIMEOUT, options["socket_timeout"])
    to_sentinels = {
        **address.login,
        **{name: value for name, value in given.items() if name.startswith("ssl_")},
        "connection_class": TlsConnection if address.uses_tls else Connection,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
    }
    return ConnectionPool(
        connection_class=MasterTlsConnection if address.uses_tls else MasterConnection,
        master=Master(address.service, address.sentinels, to_sentinels),
        **{**options, **given},
    )


def _greet(connection: Any) -> None:
    """Set up a new connection in as few round trips as possible.

    redis-py 5 would first send a health check. That connects when it fails, which sends a health check first:
    with a frozen Redis it never returns.

    redis-py would also send its name and version, in a round trip each. Each work horse would pay for it, as
    it opens a connection for one job. Over TLS they are sent: a server that rejects our certificate closes
    the connection at that point.
    """
    if not isinstance(connection, TlsConnection):
        for of_library in ("lib_name", "lib_version", "driver_info"):  # its name since redis-py 5
            if hasattr(connection, of_library):
                setattr(connection, of_library, None)
    connection.next_health_check = math.inf  # until the first answer
    connection.on_connect()
