"""What redis_exporter is told, in the forms that it reads."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from rq_mon.connection.address import (
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
    files_of,
    names_sentinels,
    read_sentinel_address,
)
from stack.redis_access import RedisAccess
from stack.secrets import write_private

VARIABLE_OF_FILE = {
    CA_FILE: "REDIS_EXPORTER_TLS_CA_CERT_FILE",
    CERT_FILE: "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE",
    KEY_FILE: "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE",
}
"""What it calls a file for TLS, by the parameter of an address of Redis."""


def tls_variables(access: RedisAccess) -> dict[str, str]:
    """Return the variables that name its files for TLS."""
    return {VARIABLE_OF_FILE[parameter]: path for parameter, path in files_of(access.url()).items()}


def watched(access: RedisAccess) -> RedisAccess:
    """Return what it watches: it cannot follow a master from server to server, so of Sentinels the first."""
    if not names_sentinels(access.address):
        return access
    group = read_sentinel_address(access.address)
    host, port = group.sentinels[0]
    login = ":".join(quote(group.login.get(name, ""), safe="") for name in ("username", "password"))
    scheme = "rediss" if group.uses_tls else "redis"
    return RedisAccess(f"{scheme}://{f'{login}@' if group.login else ''}{host}:{port}")


def write_passwords(path: Path, access: RedisAccess) -> None:
    """Write the password by the address: old versions look that up without the user, new ones with it."""
    passwords = {}
    if access.password_file:
        password = access.password_file.read_text(encoding="utf-8").strip()
        scheme, _, rest = access.address.partition("://")
        passwords = {access.address: password, f"{scheme}://{access.username}@{rest}": password}
    write_private(path, json.dumps(passwords))
