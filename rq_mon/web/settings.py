"""The settings of the job pages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rq_mon.environment.kinds import HOST, HOST_NAMES, PORT, WEB_ADDRESS, Kind, one_of
from rq_mon.environment.variables import SettingsError, Variable, read_fields, setting
from rq_mon.ports import RQ_MON_WEB_PORT
from rq_mon.serving.host_names import own_names
from rq_mon.settings import Settings, read_password

YesOrNo = Literal["yes", "no"]
YES_OR_NO: Kind[YesOrNo] = one_of(("yes", "no"))

PASSWORD_FILE: Variable[str | None] = Variable(
    "RQ_MON_WEB_PASSWORD_FILE",
    None,
    read_password,
    "File with the password of the job pages' user `rq-mon`.",
)
PASSWORD: Variable[str | None] = Variable(
    "RQ_MON_WEB_PASSWORD",
    None,
    str,
    "That password itself. A file is better: it stays out of the environment.",
)
CHANGES: Variable[YesOrNo] = Variable(
    "RQ_MON_WEB_CHANGES",
    "yes",
    YES_OR_NO,
    "no: the job pages are read-only.",
)
READ_WITHOUT_LOGIN: Variable[YesOrNo] = Variable(
    "RQ_MON_WEB_READ_WITHOUT_LOGIN",
    "no",
    YES_OR_NO,
    "yes: anyone who can open the job pages may read them. Changes always need the login.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where the pages listen, who may read them, and whether they may change anything."""

    host: str = setting(
        Variable("RQ_MON_WEB_HOST", "127.0.0.1", HOST, "Address that the job pages listen on.")
    )
    port: int = setting(
        Variable("RQ_MON_WEB_PORT", RQ_MON_WEB_PORT, PORT, "Port that the job pages listen on.")
    )
    password_in_file: str | None = setting(PASSWORD_FILE, secret=True)
    password_given: str | None = setting(PASSWORD, secret=True)
    changes: YesOrNo = setting(CHANGES)
    read_without_login: YesOrNo = setting(READ_WITHOUT_LOGIN)
    names: str = setting(
        Variable(
            "RQ_MON_WEB_NAMES",
            "",
            HOST_NAMES,
            "Host names of the job pages. IP addresses and localhost always work.",
        )
    )
    grafana_url: str | None = setting(
        Variable(
            "GRAFANA_URL",
            None,
            WEB_ADDRESS,
            "Address of Grafana. Unset: the job pages have no links to dashboards.",
        )
    )
    processes: Settings = field(default_factory=Settings)
    """Settings for Redis and logging."""

    @property
    def password(self) -> str | None:
        """The password of the user; None if no one can log in."""
        return self.password_in_file or self.password_given

    @property
    def host_names(self) -> frozenset[str]:
        """The host names, in lower case, that the address of a page may have."""
        return own_names(self.host, self.names)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> WebSettings:
        """Read the settings.

        Raises:
            SettingsError: a value is invalid, or no one could see the pages. The message has the variable and
                what is expected.
        """
        environment = os.environ if environment is None else environment
        settings = cls(**read_fields(cls, environment), processes=Settings.from_environment(environment))
        if settings.password_in_file and settings.password_given:
            raise SettingsError(f"{PASSWORD.name}: expected it unset, because {PASSWORD_FILE.name} is set")
        if settings.password is None and settings.read_without_login == "no":
            raise SettingsError(
                f"{PASSWORD_FILE.name}: expected a file with a password on its only line"
                f" (or {READ_WITHOUT_LOGIN.name}=yes)"
            )
        return settings
