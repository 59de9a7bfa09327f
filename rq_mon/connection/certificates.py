"""Certificates for TLS to Redis: whether they are verified, and whether they are valid."""

from __future__ import annotations

import ssl


def is_verified(cert_reqs: object) -> bool:
    """Return whether redis-py verifies the server with this value of `ssl_cert_reqs`; None: not set."""
    return cert_reqs not in ("none", ssl.CERT_NONE)


def check_certificates(ca: str | None, cert: str | None, key: str | None) -> None:
    """Read the files as a connection will.

    Raises:
        ValueError: a file is invalid; the message names it and says what is expected.
    """
    context = ssl.create_default_context()
    try:
        if ca is not None:
            context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"a file with CA certificates in PEM, got {ca}: {reason_of(error)}") from error
    if key is not None and cert is None:
        raise ValueError(f"the certificate of the key {key}, too")
    try:
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        files = cert if key is None else f"{cert} and {key}"
        raise ValueError(
            f"a client certificate and its key in PEM, got {files}: {reason_of(error)}"
        ) from error


def reason_of(error: OSError) -> str:
    """Return the message of a TLS or file error, in plain words."""
    return (getattr(error, "reason", "") or error.strerror or str(error)).lower().replace("_", " ")
