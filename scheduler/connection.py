"""Connections to Redis that neither hang nor give up at the first error."""

from __future__ import annotations

import socket

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

CONNECT_TIMEOUT = 5.0
SOCKET_TIMEOUT = 10.0
HEALTH_CHECK_INTERVAL = 30
CONNECT_ATTEMPTS = 5

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
        url: redis://, rediss:// or unix://
        socket_timeout: seconds to wait for an answer; RQ's workers raise it for their blocking reads.
        attempts: how often to try to connect before redis.ConnectionError is raised.
    """
    options: dict[str, object] = {}
    if not url.startswith("unix://"):
        options = {
            "socket_connect_timeout": min(CONNECT_TIMEOUT, socket_timeout),
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
        }
    return Redis.from_url(
        url,
        socket_timeout=socket_timeout,
        health_check_interval=HEALTH_CHECK_INTERVAL,
        retry=Retry(ExponentialBackoff(cap=2.0, base=0.1), attempts - 1),
        **options,
    )
