"""Settings of redis_exporter in its own formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from rq_mon.connection.address import (
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
    database_of,
    files_of,
    names_sentinels,
    options_of,
    read_sentinel_address,
    verifies_server,
)
from stack.redis_access import RedisAccess
from stack.secrets import write_private

VARIABLE_OF_FILE = {
    CA_FILE: "REDIS_EXPORTER_TLS_CA_CERT_FILE",
    CERT_FILE: "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE",
    KEY_FILE: "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE",
}
"""redis_exporter's variable for a TLS file, by the parameter in a Redis address."""
SKIP_VERIFICATION = "REDIS_EXPORTER_SKIP_TLS_VERIFICATION"


def tls_variables(access: RedisAccess) -> dict[str, str]:
    """Return its TLS variables: the files, and whether it verifies the server's certificate.

    It cannot skip only the host name: with `ssl_check_hostname=false` in the address it verifies nothing.
    """
    url = access.url()
    files = {VARIABLE_OF_FILE[parameter]: path for parameter, path in files_of(url).items()}
    return files if verifies_server(url) else {**files, SKIP_VERIFICATION: "true"}


def watched(access: RedisAccess) -> RedisAccess:
    """Return the address that it watches. With Sentinels it is the first server: it cannot follow a master.

    It ignores options in a URL, and user and password in the URL of a socket.
    """
    if names_sentinels(access.address):
        group = read_sentinel_address(access.address)
        host, port = group.sentinels[0]
        scheme = "rediss" if group.uses_tls else "redis"
        return RedisAccess(f"{scheme}://{_login(group.login)}{host}:{port}")
    parts = urlsplit(access.address)
    if parts.scheme == "unix":
        username = options_of(access.address).get("username", access.username)
        return RedisAccess(f"unix://{unquote(parts.path)}", username, access.password_file, access.tls_files)
    if not parts.query:
        return access
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{_login(options_of(access.address))}{place}"
    address = parts._replace(netloc=netloc, path=f"/{database_of(access.address)}", query="").geturl()
    return replace(access, address=address)


def write_passwords(path: Path, given: RedisAccess) -> None:
    """Write the password file, keyed by URL: old versions look it up without the user, new ones with it.

    Args:
        path: the file.
        given: the configured Redis, before `watched`.
    """
    access = watched(given)
    password = ""
    if access.password_file:
        password = access.password_file.read_text(encoding="utf-8").strip()
    elif urlsplit(given.address).scheme == "unix":
        password = options_of(given.address).get("password", "")
    scheme, _, rest = access.address.partition("://")
    addresses = (access.address, f"{scheme}://{access.username}@{rest}")
    write_private(path, json.dumps(dict.fromkeys(addresses, password) if password else {}))


def _login(options: Mapping[str, str]) -> str:
    username, password = (quote(options.get(name, ""), safe="") for name in ("username", "password"))
    return f"{username}:{password}@" if username or password else ""
