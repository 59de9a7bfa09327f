"""Parses RQ_REDIS_URL.

    redis://user:password@host:6379/0
    rediss://…                                              the same over TLS
    unix:///path/to/redis.sock
    redis+sentinel://user:password@host:26379,host:26379/service/0
    rediss+sentinel://…                                     TLS to Sentinels and Redis

The query may have the database (`?db=5`) and redis-py's other options.
Messages never repeat the address, which may contain a password.

redis-py is loaded only when an address is parsed. Loading it takes longer than the rest of a short command,
and `--help` needs the settings without it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from rq_mon.connection.certificates import check_certificates, is_verified
from rq_mon.environment.kinds import PORT

SENTINEL = "+sentinel"
TLS_SCHEMES = ("rediss", f"rediss{SENTINEL}")
SCHEMES = ("redis", "rediss", f"redis{SENTINEL}", f"rediss{SENTINEL}", "unix")
SENTINEL_PORT = 26379
SENTINEL_FORM = f"redis{SENTINEL}://host:port,host:port/service/database"

CA_FILE, CERT_FILE, KEY_FILE = "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"
"""Parameters of an address, with redis-py's names: files in PEM."""
CERT_REQS, CHECK_HOSTNAME = "ssl_cert_reqs", "ssl_check_hostname"
"""Parameters of an address, with redis-py's names: how to verify the server's certificate."""
SENTINEL_LOGIN = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """A master known by the name of a service, and the Sentinels that know its current server."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    uses_tls: bool
    login: dict[str, str]
    """User and password of the Sentinels themselves, if they have any."""
    master_url: str
    """User, password, database and options for the master; its host is not used."""


def uses_tls(url: str) -> bool:
    """Return whether the connection uses TLS."""
    return urlsplit(url).scheme in TLS_SCHEMES


def names_sentinels(url: str) -> bool:
    """Return whether the address names Sentinels."""
    return urlsplit(url).scheme.endswith(SENTINEL)


def hosts_of(url: str) -> list[str | None]:
    """Return the hosts of an address; None for a Unix socket."""
    if names_sentinels(url):
        return [host for host, _ in read_sentinel_address(url).sentinels]
    return [urlsplit(url).hostname]


def check_redis_url(url: str) -> str:
    """Return `url` if it is valid.

    Raises:
        ValueError: it is not; the message says what is expected.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"a URL, got {error}") from error
    if parts.scheme not in SCHEMES or not url.startswith(f"{parts.scheme}://"):
        raise ValueError(f"a URL that starts with {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    if names_sentinels(url):
        url_of_master = read_sentinel_address(url).master_url
    else:
        _port(parts)
        url_of_master = url
    if parts.scheme == "unix" and not parts.path.strip("/"):
        raise ValueError("unix:///path/to/redis.sock, got no path")
    if parts.scheme in ("redis", "rediss") and not re.fullmatch(r"/?[0-9]{0,9}", parts.path):
        raise ValueError("an address whose path is the number of a database, such as redis://host:6379/0")
    if parts.query or names_sentinels(url):  # nothing else can be wrong now, and redis-py takes long to load
        _check_options(url_of_master)
    return url


def options_of(url: str) -> dict[str, Any]:
    """Return redis-py's arguments for an address of one server: host, port, db, username, password, ..."""
    from redis.connection import parse_url

    options: dict[str, Any] = {**parse_url(url)}  # type: ignore[no-untyped-call]
    return options


def database_of(url: str) -> int:
    """Return the number of the database in an address, from its path or query."""
    url_of_server = read_sentinel_address(url).master_url if names_sentinels(url) else url
    return int(options_of(url_of_server).get("db", 0))


def verifies_server(url: str) -> bool:
    """Return whether the server's certificate is verified, including the host name."""
    options = dict(parse_qsl(urlsplit(url).query))
    return is_verified(options.get(CERT_REQS)) and _checks_host_name(options.get(CHECK_HOSTNAME, ""))


def _checks_host_name(text: str) -> bool:
    if not text:
        return True
    from redis.connection import to_bool  # slow, and rarely needed

    return to_bool(text) is not False  # type: ignore[no-untyped-call]


def options_of_python_alone(url: str) -> list[str]:
    """Return the TLS options of an address that redis-cli and redis_exporter do not have."""
    names = {name for name, _ in parse_qsl(urlsplit(url).query) if name.startswith("ssl_")}
    return sorted(names - {CA_FILE, CERT_FILE, KEY_FILE, CERT_REQS, CHECK_HOSTNAME})


def _check_options(url: str) -> None:
    """Check the options by making a connection object, without connecting."""
    from redis import Connection
    from redis.exceptions import RedisError

    from rq_mon.connection.tls import TlsConnection

    try:
        options = options_of(url)
        kind = options.pop("connection_class", Connection)
        options.pop("max_connections", None)  # the pool's
        if options.get("db", 0) < 0:
            raise ValueError("db is below 0")  # noqa: TRY301
        (TlsConnection if uses_tls(url) else kind)(**options)
    except (TypeError, ValueError, RedisError) as error:
        raise ValueError(f"an address whose options redis-py can use: {error}") from error


def check_files(url: str) -> None:
    """Raise ValueError if the certificates in an address are invalid; the message names the file."""
    if uses_tls(url):
        files = files_of(url)
        check_certificates(files.get(CA_FILE), files.get(CERT_FILE), files.get(KEY_FILE))


def files_of(url: str) -> dict[str, str]:
    """Return the TLS files in an address, by parameter."""
    options = parse_qsl(urlsplit(url).query)
    return {name: path for name, path in options if name in (CA_FILE, CERT_FILE, KEY_FILE)}


def with_files(url: str, ca: Path | None, cert: Path | None, key: Path | None) -> str:
    """Return the address with these TLS files in it.

    Raises:
        ValueError: the address does not use TLS, or names files itself.
    """
    given = {CA_FILE: ca, CERT_FILE: cert, KEY_FILE: key}
    files = {parameter: str(path) for parameter, path in given.items() if path}
    if not files:
        return url
    if not uses_tls(url):
        raise ValueError(
            f"an address that starts with {' or '.join(f'{scheme}://' for scheme in TLS_SCHEMES)}"
        )
    parts = urlsplit(url)
    options = parse_qsl(parts.query)
    if files.keys() & dict(options).keys():
        raise ValueError(f"an address without {', '.join(files)}")
    return parts._replace(query=urlencode([*options, *files.items()])).geturl()


def read_sentinel_address(url: str) -> SentinelAddress:
    """Parse an address of Sentinels.

    Raises:
        ValueError: it is invalid; the message says what is expected.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError(f"{SENTINEL_FORM}, got no service")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError(f"{SENTINEL_FORM}, whose database is a whole number")
    options = parse_qsl(parts.query)
    scheme = parts.scheme.removesuffix(SENTINEL)
    query = urlencode([(name, value) for name, value in options if name not in SENTINEL_LOGIN])
    return SentinelAddress(
        sentinels=tuple(_hosts(hosts.split(","))),
        service=unquote(service),
        uses_tls=parts.scheme in TLS_SCHEMES,
        login={name.removeprefix("sentinel_"): value for name, value in options if name in SENTINEL_LOGIN},
        master_url=SplitResult(scheme, f"{login}@master", f"/{database or 0}", query, "").geturl(),
    )


def _hosts(addresses: Sequence[str]) -> list[tuple[str, int]]:
    found = [urlsplit(f"//{address}") for address in addresses]
    if not all(parts.hostname for parts in found):
        raise ValueError(f"{SENTINEL_FORM}, got no host where one is expected")
    return [(parts.hostname or "", _port(parts) or SENTINEL_PORT) for parts in found]


def _port(parts: SplitResult) -> int | None:
    try:
        return None if parts.port is None else PORT.read(str(parts.port))
    except ValueError as error:
        raise ValueError(f"a URL with {PORT.expected}") from error
