"""Variables for the compose files: the addresses where services listen, and the watched Redis."""

from __future__ import annotations

from rq_mon.connection.address import database_of, verifies_server
from rq_mon.web.settings import CHANGES
from stack.redis_access import access_of
from stack.redis_exporter import watched
from stack.redis_users import EXPORTER
from stack.services import REDIS, SERVICES
from stack.settings import StackSettings
from stack.variables import REDIS_URL


def opened(settings: StackSettings) -> dict[str, str]:
    """Return the address on which each service with a login listens; empty if the user has not opened it."""
    return {
        service.bind_variable: settings.bind_address(service) if settings.is_open(service) else ""
        for service in SERVICES
        if service.bind_variable and service.has_login
    }


def redis_inside(settings: StackSettings) -> dict[str, str]:
    """Return how containers connect to Redis: its address, user, password and certificates."""
    if settings.has_own_redis():
        return {REDIS_URL: f"redis://{REDIS.name}:{REDIS.port}/{database_of(settings.redis_url())}"}
    access = access_of(EXPORTER, settings)
    probed = watched(access)
    variables = {
        REDIS_URL: access.address,
        "WATCHED_REDIS_USERNAME": access.username,
        "PROBED_REDIS_URL": probed.address,
        "PROBED_REDIS_USERNAME": probed.username,
        CHANGES.name: settings.user_set(CHANGES).get(CHANGES.name, "no"),
        "PROBED_REDIS_UNVERIFIED": "false" if verifies_server(access.address) else "true",
        **{variable: str(path) for variable, path in access.tls_files.items()},
    }
    if access.password_file:
        return variables | {"WATCHED_REDIS_PASSWORD_FILE": str(access.password_file)}
    return variables | {"WATCHED_REDIS_PASSWORD": ""}
