"""Remembers the settings of the last start, so that the next start can report what differs.

Values are not stored, only names: an address may contain a password.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rq_mon.connection.address import database_of
from stack.runtime import Health, Runtime
from stack.services import Service
from stack.settings import STATE_DIRECTORY, StackSettings

FILE = STATE_DIRECTORY / "last-start.json"
OWN_REDIS = "the stack's own Redis"


@dataclass(frozen=True, slots=True)
class LastStart:
    """A record of a start."""

    redis: str
    """The Redis that was shown, in words, without user and password."""
    given: Sequence[str]
    """The names of settings that came from the command line or the environment and were not in `.env`."""

    def write(self, file: Path = FILE) -> None:
        """Write the record for the next start."""
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(file)


def this_start(settings: StackSettings) -> LastStart:
    """Return the record of a start with these settings."""
    return LastStart(redis_of(settings), sorted(settings.given))


def last_start(file: Path = FILE) -> LastStart | None:
    """Return the record of the last start; None if there is no readable one."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return LastStart(str(kept["redis"]), [str(name) for name in kept["given"]])
    return None


def settings_left_out(last: LastStart | None, settings: StackSettings) -> list[str]:
    """Return the settings of the last start that are missing now, in the environment and in `.env`."""
    return [name for name in (last.given if last else ()) if not settings.environment.get(name, "").strip()]


def leaves_redis(last: LastStart | None, settings: StackSettings) -> str | None:
    """Return the Redis that the last start showed if it is another one than now, else None."""
    return last.redis if last and last.redis != redis_of(settings) else None


def services_to_stop(with_own_redis: Runtime, settings: StackSettings) -> list[Service]:
    """Return the running services that these settings remove, if the stack has run with its own Redis."""
    states = with_own_redis.states()
    return [
        service
        for service, state in states.items()
        if service in settings.external_services() and state.health is not Health.STOPPED
    ]


def redis_of(settings: StackSettings) -> str:
    """Return the address of the watched Redis without user and password."""
    if settings.has_own_redis():
        return OWN_REDIS
    url = settings.redis_url()
    parts = urlsplit(url)
    path = parts.path.strip("/")
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return f"{where}/{path}" if path and not path.isdigit() else f"{where}/{database_of(url)}"
