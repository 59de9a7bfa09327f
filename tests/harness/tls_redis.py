"""A real Redis that accepts TLS only, with certificates for one test run."""

from __future__ import annotations

import ipaddress
import subprocess
from pathlib import Path

from redis import Redis

from proofs.harness.redis_server import RedisServer

AUTHORITY = """
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
LEAF = """
[req]
distinguished_name = subject
[subject]
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Certificates:
    """Files of a certificate authority, and of what it signed.

    openssl makes them: where a package for it is installed, redis-py loads that in every process.
    """

    def __init__(self, directory: Path, *names: str) -> None:
        """Sign a certificate for a server of these names or addresses, and one for a client."""
        directory.mkdir(parents=True, exist_ok=True)
        self.ca, self._ca_key = _create(directory / "ca", "authority", AUTHORITY)
        self.server_cert, self.server_key = self._issue(directory / "server", *names)
        self.client_cert, self.client_key = self._issue(directory / "client", "rq-mon")

    def _issue(self, path: Path, *names: str) -> tuple[Path, Path]:
        extensions = LEAF.format(names=", ".join(map(_alternative_name, names)))
        return _create(path, "leaf", extensions, "-CA", str(self.ca), "-CAkey", str(self._ca_key))


def _create(path: Path, section: str, configuration: str, *signed_by: str) -> tuple[Path, Path]:
    """Return the files of a new certificate and of its key."""
    cert, key = path.with_suffix(".pem"), path.with_suffix(".key")
    path.with_suffix(".cnf").write_text(configuration)
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-noenc",
            ),
            *("-config", str(path.with_suffix(".cnf")), "-extensions", section, "-subj", f"/CN={path.name}"),
            *("-days", "30", "-keyout", str(key), "-out", str(cert), *signed_by),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def _alternative_name(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


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
