"""Connections to Redis that neither hang nor give up at the first error."""

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

from rq_mon.connection.address import names_sentinels, read_sentinel_address, uses_tls
from rq_mon.connection.sentinel import Master, MasterConnection, MasterTlsConnection
from rq_mon.connection.tls import TlsConnection

CONNECT_TIMEOUT = 5.0
SOCKET_TIMEOUT = 10.0
HEALTH_CHECK_INTERVAL = 30
CONNECT_ATTEMPTS = 5

SENTINEL_TIMEOUT = 1.0
"""A Sentinel that does not answer so soon is passed over: a scrape has less than two seconds in all."""

CONNECT_ERRORS = (RedisConnectionError, ConnectionError, FileNotFoundError, socket.gaierror)
"""What another attempt may fix: redis-py's own choice leaves out refused connections, and tries those again
that did not answer in time."""

# The kernel gives up on a silent peer after 30 + 3 * 10 s, where it has these options (Linux).
KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}.items()
    if hasattr(socket, name)
}


def connect(url: str, *, socket_timeout: float = SOCKET_TIMEOUT, attempts: int = CONNECT_ATTEMPTS) -> Redis:
    """Return a client for `url`; it connects at the first command.

    Connecting is tried `attempts` times with exponential backoff. A command that failed midway is not sent
    again: Redis may have carried it out, and a repeated MULTI would enqueue or count a job twice.

    Args:
        url: what RQ_REDIS_URL can say; see redis_url.py.
        socket_timeout: seconds to wait for an answer; RQ's workers raise it for their blocking reads.
        attempts: how often to try to connect before redis.ConnectionError is raised.
    """
    options: dict[str, Any] = {
        "socket_timeout": socket_timeout,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
        "retry": Retry(ExponentialBackoff(cap=2.0, base=0.1), attempts - 1, CONNECT_ERRORS),
        "redis_connect_func": _greet,
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
    """Return the one client of this process for `url`, which must not be closed or changed.

    Its pool serves all threads; a forked process gets connections of its own.
    """
    if url not in _shared:
        _shared.setdefault(url, connect(url))  # one step: threads that come here together share a client
    return _shared[url]


def _leave_connections_to_parent() -> None:
    """Give each client a new pool in a forked process, and close its copies of the parent's sockets.

    Redis would count them as connections of a parent that has died, and another thread of the parent may have
    held the old pool's lock, which nothing releases here.
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
    """Say hello on a new connection, in as few round trips as that takes.

    redis-py 5 would send a health check first, which connects when it fails, which sends one first: it never
    comes back from a Redis that is frozen.

    It would also tell its name and version, a round trip each, which each work horse would pay for: it has a
    connection of its own for one job. Over TLS it does: a server that wants another certificate hangs up on
    that.
    """
    if not isinstance(connection, TlsConnection):
        for of_library in ("lib_name", "lib_version", "driver_info"):  # as redis-py 5 and later ones call it
            if hasattr(connection, of_library):
                setattr(connection, of_library, None)
    connection.next_health_check = math.inf  # until the first answer
    connection.on_connect()
