"""A real Redis that speaks TLS only, and certificates for it that exist for one test run."""

from __future__ import annotations

from pathlib import Path

import trustme
from redis import Redis

from proofs.harness.redis_server import RedisServer


class Certificates:
    """Files of a certificate authority, and of what it signed."""

    def __init__(self, directory: Path, *names: str) -> None:
        """Sign a certificate for a server of these names or addresses, and one for a client."""
        directory.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        self.ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server_cert, self.server_key = _write(directory / "server", authority.issue_cert(*names))
        self.client_cert, self.client_key = _write(directory / "client", authority.issue_cert("rq-mon"))


def _write(path: Path, issued: trustme.LeafCert) -> tuple[Path, Path]:
    cert, key = path.with_suffix(".pem"), path.with_suffix(".key")
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    return cert, key


class TlsRedisServer(RedisServer):
    """A Redis server whose only port speaks TLS."""

    def __init__(
        self, directory: Path, certificates: Certificates, *options: str, asks_clients: bool = False
    ) -> None:
        super().__init__(directory)
        self.certificates = certificates
        self.options = (
            *("--port", "0", "--tls-port", str(self.port)),
            *("--tls-cert-file", str(certificates.server_cert)),
            *("--tls-key-file", str(certificates.server_key)),
            *("--tls-ca-cert-file", str(certificates.ca)),
            *("--tls-auth-clients", "yes" if asks_clients else "no"),
            *options,
        )

    @property
    def url(self) -> str:
        return f"rediss://127.0.0.1:{self.port}/0"

    def _client(self) -> Redis:
        own = self.certificates
        return Redis(
            port=self.port,
            ssl=True,
            ssl_ca_certs=str(own.ca),
            ssl_certfile=str(own.client_cert),
            ssl_keyfile=str(own.client_key),
            ssl_check_hostname=False,
        )
