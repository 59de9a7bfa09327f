"""How programs on this machine connect to the Redis with the queues: address, user, certificates."""

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
    """A Redis address and the user to connect as."""

    address: str
    username: str = ""
    """Empty if the address contains it or Redis needs none."""
    password_file: Path | None = None
    tls_files: Mapping[str, Path] = field(default_factory=dict)
    """Certificate files by variable, as far as they are set."""

    def environment(self) -> dict[str, str]:
        """Return the variables that rq_mon.settings reads. The password is in a file, not in a variable."""
        given = {
            REDIS_URL: self.address,
            REDIS_USERNAME: self.username,
            REDIS_PASSWORD_FILE: str(self.password_file or ""),
            **{variable: str(path) for variable, path in self.tls_files.items()},
        }
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """Return one URL with all of this, for programs that accept nothing else."""
        return Settings.from_environment(self.environment()).redis_url


def access_of(user: RedisUser, settings: StackSettings, secrets: Path = SECRETS_DIRECTORY) -> RedisAccess:
    """Return the access of one of the stack's users; for another Redis, the access that the user configured.

    Args:
        user: the user to connect as, in the stack's own Redis.
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
