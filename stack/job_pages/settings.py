"""What the pages of jobs are told from outside, by environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from rq_mon.settings import Settings, SettingsError, read_password
from stack.services import RQ_DASHBOARD

PORT = "RQ_DASHBOARD_PORT"
PASSWORD_FILE = "RQ_DASHBOARD_PASSWORD_FILE"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """Where the pages listen, and who may see them."""

    host: str
    port: int
    password: str = field(repr=False)
    processes: Settings
    """How to get into Redis, and how jobs are written there."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> PageSettings:
        """Read the settings.

        Raises:
            SettingsError: a value cannot be used, or there is no password; the message names the variable.
        """
        environment = os.environ if environment is None else environment
        try:
            password = read_password(environment.get(PASSWORD_FILE, ""))
        except ValueError as error:
            raise SettingsError(f"{PASSWORD_FILE}: expected {error}") from error
        port = environment.get(PORT, "").strip() or str(RQ_DASHBOARD.port)
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise SettingsError(f"{PORT}: expected a whole number from 1 to 65535, got {port!r}")
        host = environment.get("RQ_DASHBOARD_HOST", "").strip() or "127.0.0.1"
        return cls(
            host=host, port=int(port), password=password, processes=Settings.from_environment(environment)
        )
