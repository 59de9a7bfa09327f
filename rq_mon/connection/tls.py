"""TLS to Redis, with errors that say what is wrong."""

from __future__ import annotations

import ssl
from typing import Any

from redis import SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rq_mon.connection.certificates import is_verified, reason_of


class TlsError(RedisConnectionError):
    """No connection, because TLS found something to refuse."""


class TlsConnection(SSLConnection):
    """A connection over TLS, whose server must have a certificate for the name or address that was given.

    Unless the address says otherwise: `ssl_cert_reqs=none` takes any server, `ssl_check_hostname=false` any
    that a trusted CA vouches for.
    """

    def __init__(self, **options: Any) -> None:
        # Before redis-py 6 any server with a certificate of a trusted CA would do.
        verified = is_verified(options.get("ssl_cert_reqs"))
        if not verified and options.get("ssl_check_hostname"):
            raise ValueError("ssl_check_hostname=true does not work with ssl_cert_reqs=none")
        super().__init__(**{"ssl_check_hostname": verified, **options})  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        try:
            return super()._connect()  # type: ignore[no-untyped-call]
        except ssl.SSLCertVerificationError as error:
            raise TlsError(
                f"{self.host}:{self.port}: its certificate is not accepted: {error.verify_message}."
                " RQ_REDIS_CA_FILE names who may vouch for it"
            ) from error
        except ssl.SSLError as error:
            raise TlsError(f"{self.host}:{self.port}: no TLS connection: {reason_of(error)}") from error
        except TimeoutError as error:
            if "handshake" not in str(error):
                raise
            raise RedisTimeoutError(
                f"{self.host}:{self.port}: no answer to TLS: it is frozen, or speaks plain Redis"
            ) from error

    def on_connect(self) -> None:
        """Say hello; a server that does not like the client's certificate hangs up on that."""
        try:
            super().on_connect()  # type: ignore[no-untyped-call]
        except RedisConnectionError as error:
            if type(error) is not RedisConnectionError:  # it has answered: it wants a password, or is loading
                raise
            raise TlsError(
                f"{self.host}:{self.port}: hangs up on the first command, as if it wanted"
                f" {'another' if self.certfile else 'a'} client certificate (RQ_REDIS_CERT_FILE): {error}"
            ) from error
