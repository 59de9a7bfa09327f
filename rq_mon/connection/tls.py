"""TLS to Redis, with errors that name the cause."""

from __future__ import annotations

import ssl
from typing import Any

from redis import SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rq_mon.connection.certificates import is_verified, reason_of


class TlsError(RedisConnectionError):
    """The TLS handshake failed."""


class TlsConnection(SSLConnection):
    """A TLS connection. The server's certificate must be valid for the host name of the address.

    Two options relax this: `ssl_cert_reqs=none` accepts any server, `ssl_check_hostname=false` any server
    with a certificate of a trusted CA.
    """

    def __init__(self, **options: Any) -> None:
        # Before redis-py 6 the default accepted any server with a certificate of a trusted CA.
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
                " RQ_REDIS_CA_FILE names the CAs to trust"
            ) from error
        except ssl.SSLError as error:
            raise TlsError(f"{self.host}:{self.port}: no TLS connection: {reason_of(error)}") from error
        except TimeoutError as error:
            if "handshake" not in str(error):
                raise
            raise RedisTimeoutError(
                f"{self.host}:{self.port}: no answer to TLS: the server is frozen, or does not use TLS"
            ) from error

    def on_connect(self) -> None:
        """Send the first command: only then does a server that rejects our certificate hang up."""
        try:
            super().on_connect()  # type: ignore[no-untyped-call]
        except RedisConnectionError as error:
            if type(error) is not RedisConnectionError:  # it has answered: it wants a password, or is loading
                raise
            raise TlsError(
                f"{self.host}:{self.port}: closed the connection at the first command, may require"
                f" {'another' if self.certfile else 'a'} client certificate (RQ_REDIS_CERT_FILE): {error}"
            ) from error
