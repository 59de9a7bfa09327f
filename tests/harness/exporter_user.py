"""The Redis user of docs/start/your-own-rq.md for the exporters, with exactly the rights of that page."""

from __future__ import annotations

import re
from pathlib import Path

from redis import Redis

PAGE = Path(__file__).resolve().parents[2] / "docs" / "start" / "your-own-rq.md"
NAME, PASSWORD = "rq-mon", "secret"


def rules() -> list[str]:
    """The rights in the list of the page."""
    (line,) = re.findall(rf"^ACL SETUSER {NAME} on >PASSWORD (.*)$", PAGE.read_text(), re.MULTILINE)
    return str(line).split()


def create_exporter_user(redis: Redis) -> None:
    """Create the user."""
    redis.execute_command("ACL", "SETUSER", NAME, "on", f">{PASSWORD}", *rules())  # type: ignore[no-untyped-call]
