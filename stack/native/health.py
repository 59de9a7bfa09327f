"""Whether a local service does its work: asked over its own port, or of Redis."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping

from redis import Redis
from redis.exceptions import RedisError

from rq_mon.connection.client import connect
from rq_mon.state.live import live_schedulers, live_workers
from stack import services
from stack.native.commands import NativeContext
from stack.redis_users import EXPORTER
from stack.services import Service

TIMEOUT = 2.0


def find_fault(service: Service, context: NativeContext) -> str:
    """Return in a few words what keeps a running service from its work; empty when it is healthy."""
    if service.health_path is not None:
        return _http_fault(
            context.settings.host(service), context.settings.port(service), service.health_path
        )
    try:
        with connect(context.access(EXPORTER).url(), socket_timeout=TIMEOUT, attempts=1) as redis:
            if service.queue:
                return _worker_fault(service.queue, context.settings.number(service), redis)
            return REDIS_CHECKS[service](redis)
    except RedisError as error:
        return f"Redis: {error}"


def _http_fault(host: str, port: int, path: str) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{path} on port {port}: {error or type(error).__name__}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"{path} on port {port}: status {status}"


def _redis_fault(redis: Redis) -> str:
    redis.ping()
    return ""


def _worker_fault(queue: str, wanted: int, redis: Redis) -> str:
    number = len(live_workers(redis, queue))
    return "" if number >= wanted else f"{number} of {wanted} workers listen to the queue {queue} yet"


def _cron_fault(redis: Redis) -> str:
    return "" if live_schedulers(redis) else "no cron scheduler has reported yet"


REDIS_CHECKS: Mapping[Service, Callable[[Redis], str]] = {
    services.REDIS: _redis_fault,
    services.CRON_SCHEDULER: _cron_fault,
}
