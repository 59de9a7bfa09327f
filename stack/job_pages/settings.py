"""What the pages of jobs are told from outside, by environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from rq_mon.environment.kinds import HOST, PORT
from rq_mon.environment.variables import SettingsError, Variable, read_fields, setting
from rq_mon.settings import Settings, read_password
from stack.services import RQ_DASHBOARD

PASSWORD_FILE = Variable("RQ_DASHBOARD_PASSWORD_FILE", "", read_password, "File with the pages' password.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """Where the pages listen, and who may see them."""

    host: str = setting(Variable("RQ_DASHBOARD_HOST", "127.0.0.1", HOST, "Address that the pages listen on."))
    port: int = setting(
        Variable("RQ_DASHBOARD_PORT", RQ_DASHBOARD.port or 0, PORT, "Port that they listen on.")
    )
    password: str = setting(PASSWORD_FILE, secret=True)
    processes: Settings = field(default_factory=Settings)
    """How to get into Redis, and how jobs are written there."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> PageSettings:
        """Read the settings.

        Raises:
            SettingsError: a value cannot be used, or there is no password; the message names the variable.
        """
        environment = os.environ if environment is None else environment
        settings = cls(**read_fields(cls, environment), processes=Settings.from_environment(environment))
        if not settings.password:
            raise SettingsError(f"{PASSWORD_FILE.name}: expected a file with a password on its only line")
        return settings
