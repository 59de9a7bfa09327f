"""How redis-cli logs in: the password is in the environment, where other users cannot see it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rq_mon.connection.address import (
    CA_FILE,
    CERT_FILE,
    CERT_REQS,
    KEY_FILE,
    database_of,
    files_of,
    names_sentinels,
    options_of,
    uses_tls,
)
from rq_mon.connection.certificates import is_verified
from rq_mon.connection.client import connect
from stack.native.programs import REDIS_CLI
from stack.redis_access import RedisAccess
from stack.runtime import StackError
from stack.services import REDIS

ANSWERS_WITHIN = 3.0
OPTION_OF_FILE = {CA_FILE: "--cacert", CERT_FILE: "--cert", KEY_FILE: "--key"}
"""redis-cli's option for a TLS file, by the parameter in a Redis address."""
PASSWORD = "REDISCLI_AUTH"  # noqa: S105 - the name of a variable


def redis_cli(access: RedisAccess) -> tuple[list[str], dict[str, str]]:
    """Return the command line of redis-cli and the variables that it needs.

    Raises:
        StackError: it is not installed, or it cannot use the address.
    """
    url = access.url()
    if names_sentinels(url):
        raise StackError("redis-cli does not follow Sentinels: call it with the address of the master")
    options = options_of(url)
    words = [REDIS_CLI.path(), *_place(url)]
    if options.get("username"):
        words += ["--user", options["username"]]
    for parameter, path in files_of(url).items():
        words += [OPTION_OF_FILE[parameter], path]
    return words, {PASSWORD: options["password"]} if options.get("password") else {}


def refuse_if_silent(access: RedisAccess) -> None:
    """Raise StackError if Redis accepts a connection but does not answer: redis-cli would wait forever."""
    try:
        with connect(access.url(), socket_timeout=ANSWERS_WITHIN, attempts=1) as redis:
            redis.ping()
    except RedisTimeoutError as error:
        raise StackError(
            f"Redis does not answer within {ANSWERS_WITHIN:.0f} s: it is frozen or cut off. If it is the "
            f"stack's own, restart it: make restart SERVICE={REDIS.name}"
        ) from error
    except RedisError:
        return  # an answer or an error, which redis-cli prints


def _place(url: str) -> list[str]:
    parts, database = urlsplit(url), database_of(url)
    if parts.scheme == "unix":
        return ["-s", unquote(parts.path), *(["-n", str(database)] if database else [])]
    # redis-cli never checks the host name in the certificate.
    insecure = [] if is_verified(options_of(url).get(CERT_REQS)) else ["--insecure"]
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=f"/{database}", query="")
    return [*(["--tls", *insecure] if uses_tls(url) else []), "-u", urlunsplit(address)]
