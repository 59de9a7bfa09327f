"""How programs of this machine get into the Redis that holds the queues: address, user, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rq_mon.settings import Settings
from stack.redis_users import RedisUser
from stack.secrets import ensure_secret
from stack.settings import PROJECT_ROOT, SECRETS_DIRECTORY, StackSettings
from stack.variables import REDIS_PASSWORD_FILE, REDIS_TLS_FILES, REDIS_URL, REDIS_USERNAME


@dataclass(frozen=True, slots=True)
class RedisAccess:
    """An address of Redis, and who to be there."""

    address: str
    username: str = ""
    """Empty where the address says it, or where Redis asks for none."""
    password_file: Path | None = None
    tls_files: Mapping[str, Path] = field(default_factory=dict)
    """By variable, those that are set."""

    def environment(self) -> dict[str, str]:
        """Return what rq_mon.settings is to read; the password is not in it."""
        given = {
            REDIS_URL: self.address,
            REDIS_USERNAME: self.username,
            REDIS_PASSWORD_FILE: str(self.password_file or ""),
            **{variable: str(path) for variable, path in self.tls_files.items()},
        }
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """Return the address with all of this in it: for programs that take nothing else."""
        return Settings.from_environment(self.environment()).redis_url


def access_of(user: RedisUser, settings: StackSettings, secrets: Path = SECRETS_DIRECTORY) -> RedisAccess:
    """Return how to get into Redis as a user of the stack; into another Redis, with what the user gave.

    Args:
        user: who to be in the stack's own Redis.
        settings: the stack's settings.
        secrets: the folder of generated passwords.
    """
    if settings.has_own_redis():
        return RedisAccess(settings.redis_url(), user.name, ensure_secret(secrets, user.secret))
    given = {
        variable: settings.environment.get(variable, "").strip()
        for variable in (REDIS_USERNAME, REDIS_PASSWORD_FILE, *REDIS_TLS_FILES)
    }
    files = {variable: PROJECT_ROOT / path for variable, path in given.items() if path}
    return RedisAccess(
        settings.redis_url(),
        given[REDIS_USERNAME],
        files.get(REDIS_PASSWORD_FILE),
        {variable: files[variable] for variable in REDIS_TLS_FILES if variable in files},
    )
