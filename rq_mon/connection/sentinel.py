"""Connections to the master of a service, which the Sentinels name each time a connection is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis import Connection, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError
from redis.retry import Retry

from rq_mon.connection.tls import TlsConnection


class MasterNotFoundError(RedisConnectionError):
    """No Sentinel that answered knows the master of the service."""


class Master:
    """The master of a service, and the Sentinels that know its current server.

    Args:
        service: its name in the Sentinels' configuration.
        sentinels: host and port of each.
        options: for connections to Sentinels, as redis.ConnectionPool takes them.
    """

    def __init__(
        self, service: str, sentinels: Sequence[tuple[str, int]], options: Mapping[str, Any]
    ) -> None:
        self._service = service
        self._sentinels = list(sentinels)
        self._options = {**options, "retry": Retry(NoBackoff(), 0), "decode_responses": True}

    def address(self) -> tuple[str, int]:
        """Ask one Sentinel after the other, and return host and port.

        Raises:
            MasterNotFoundError: none knew it; the message has the answer of each.
        """
        refusals = []
        for sentinel in self._sentinels:
            host, port = sentinel
            try:
                with Redis.from_pool(ConnectionPool(host=host, port=port, **self._options)) as client:
                    found = client.sentinel_get_master_addr_by_name(self._service)
            except RedisError as error:
                refusals.append(f"{host}:{port}: {error}")
                continue
            if found:
                # The next connection asks this Sentinel first. Other threads still iterate over the old list.
                self._sentinels = sorted(self._sentinels, key=lambda other: other != sentinel)
                return found[0], int(found[1])
            refusals.append(f"{host}:{port}: does not know this service")
        raise MasterNotFoundError(f"no Sentinel names the master of {self._service!r}: {'; '.join(refusals)}")


class MasterConnection(Connection):
    """A connection to the master of a service.

    redis-py's own class needs its own kind of pool, and RQ passes on only a pool's options when it makes a
    pool for another process.
    """

    def __init__(self, *, master: Master, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._master = master

    def _connect(self) -> Any:
        self.host, self.port = self._master.address()
        return super()._connect()  # type: ignore[no-untyped-call]

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read a reply; raise ConnectionError if the master has become a replica."""
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[no-untyped-call]
        except ReadOnlyError as error:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise RedisConnectionError(f"{self.host}:{self.port} is no longer the master") from error


class MasterTlsConnection(MasterConnection, TlsConnection):
    """The same over TLS."""
