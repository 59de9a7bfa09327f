"""Health of a local service: asked over its own port, or from Redis."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Collection, Mapping

from redis import Redis
from redis.exceptions import RedisError

from rq_mon.connection.client import connect
from rq_mon.cron.liveness import silence
from rq_mon.state.live import live_schedulers, live_workers
from stack import services
from stack.alertmanager_login import authorization
from stack.native.commands import NativeContext
from stack.redis_users import EXPORTER
from stack.services import Service

TIMEOUT = 2.0
OK = b"200"


def find_fault(service: Service, context: NativeContext) -> str:
    """Return in a few words why a running service does not work; empty if it is healthy."""
    if service.health_path is not None:
        header = (
            f"Authorization: {authorization(context.secrets)}\r\n" if service is services.ALERTMANAGER else ""
        )
        return _http_fault(
            context.settings.host(service), context.settings.port(service), service.health_path, header
        )
    try:
        with _asking_redis(context) as redis:
            if service.queue:
                return _worker_fault(service.queue, context.settings.number(service), redis)
            return REDIS_CHECKS[service](redis)
    except RedisError as error:
        return f"Redis: {error}"


def broken_programs(service: Service, running: Mapping[str, int], context: NativeContext) -> Collection[str]:
    """Return the programs of a service that run but do not work.

    Args:
        service: the service to check
        running: its running programs with their process ids
        context: how to reach the service
    """
    if not find_fault(service, context):
        return ()
    if not service.queue:
        return running.keys()
    with contextlib.suppress(RedisError), _asking_redis(context) as redis:
        alive = {int(key.rpartition("-")[2]) for key in live_workers(redis, service.queue)}
        return {name for name, number in running.items() if number not in alive}
    return ()  # without Redis no worker can send a heartbeat


def _asking_redis(context: NativeContext) -> Redis:
    return connect(context.access(EXPORTER).url(), socket_timeout=TIMEOUT, attempts=1)


def _http_fault(host: str, port: int, path: str, header: str) -> str:
    try:
        status = _http_status(host, port, path, header, time.monotonic() + TIMEOUT)
    except OSError as error:
        return f"{path} on port {port}: {error or type(error).__name__}"
    return "" if status == OK else f"{path} on port {port}: status {status.decode(errors='replace')}"


def _http_status(host: str, port: int, path: str, header: str, deadline: float) -> bytes:
    """Return the HTTP status without reading the rest of the answer, which may never end."""
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n{header}\r\n".encode())
        line = b""
        while b"\n" not in line:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            received = connection.recv(4096)
            if not received:
                raise ConnectionError("it closed the connection without an answer")
            line += received
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
    words = line.split(b"\n")[0].split()
    return words[1] if len(words) > 1 else b"?"


def _redis_fault(redis: Redis) -> str:
    redis.ping()
    return ""


def _worker_fault(queue: str, wanted: int, redis: Redis) -> str:
    number = len(live_workers(redis, queue))
    return "" if number >= wanted else f"{number} of {wanted} workers of the queue {queue} report"


def _cron_fault(redis: Redis) -> str:
    return "" if live_schedulers(redis) else silence(redis)


REDIS_CHECKS: Mapping[Service, Callable[[Redis], str]] = {
    services.REDIS: _redis_fault,
    services.CRON_SCHEDULER: _cron_fault,
}
