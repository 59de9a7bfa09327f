"""How redis-cli gets into Redis: its password in the environment, not in the command line for all to see."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from rq_mon.connection.address import CA_FILE, CERT_FILE, KEY_FILE, files_of, names_sentinels, uses_tls
from stack.native.programs import REDIS_CLI
from stack.redis_access import RedisAccess
from stack.runtime import StackError

OPTION_OF_FILE = {CA_FILE: "--cacert", CERT_FILE: "--cert", KEY_FILE: "--key"}
"""What it calls a file for TLS, by the parameter of an address of Redis."""
PASSWORD = "REDISCLI_AUTH"  # noqa: S105 - the name of a variable


def redis_cli(access: RedisAccess) -> tuple[list[str], dict[str, str]]:
    """Return the words that call redis-cli, and the environment that it needs beside them.

    Raises:
        StackError: it is not installed, or cannot follow the address.
    """
    url = access.url()
    if names_sentinels(url):
        raise StackError("redis-cli does not follow Sentinels: call it with the address of the master")
    parts = urlsplit(url)
    words = [REDIS_CLI.path(), *_place(url)]
    if parts.username:
        words += ["--user", unquote(parts.username)]
    for parameter, path in files_of(url).items():
        words += [OPTION_OF_FILE[parameter], path]
    return words, {PASSWORD: unquote(parts.password)} if parts.password else {}


def _place(url: str) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return ["-s", parts.path]
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="")
    return [*(["--tls"] if uses_tls(url) else []), "-u", urlunsplit(address)]
