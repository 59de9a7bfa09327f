"""Settings of the viewer, from environment variables."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.kinds import HOST, HOST_NAMES, PORT
from rq_mon.environment.variables import Variable, read_fields, setting
from rq_mon.ports import GRAFANA_PORT, PROMETHEUS_PORT
from rq_mon.serving.host_names import own_names

logger = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # The error omits the value, which may hold a password.
        raise ValueError("a URL that starts with http:// or https://")
    return text.rstrip("/")


def _folder(text: str) -> Path:
    folder = PROJECT_ROOT / text
    if not folder.is_dir():
        raise ValueError(f"a folder of dashboards (JSON files), got {text!r}")
    return folder


NAMES = Variable(
    "VIEWER_NAMES",
    "",
    HOST_NAMES,
    "Host names under which people open the viewer. IP addresses and localhost always work.",
)
FORMER_NAMES = {"PREVIEW_HOST": "VIEWER_HOST", "PREVIEW_PORT": "VIEWER_PORT"}
"""Variables of the preview, which the viewer has replaced. Accepted until the next release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerSettings:
    """The URL of Prometheus, the folder of dashboards, and the address on which the viewer listens."""

    prometheus_url: str = setting(
        Variable("PROMETHEUS_URL", f"http://127.0.0.1:{PROMETHEUS_PORT}", _url, "Where Prometheus answers.")
    )
    host: str = setting(Variable("VIEWER_HOST", "127.0.0.1", HOST, "Address that the viewer listens on."))
    port: int = setting(Variable("VIEWER_PORT", GRAFANA_PORT, PORT, "Port that it listens on."))
    names: str = setting(NAMES)
    dashboards: Path = setting(
        Variable("DASHBOARDS_PATH", PROJECT_ROOT / "grafana/generated", _folder, "Folder of the dashboards.")
    )
    provisioning: Path = setting(
        Variable(
            "PROVISIONING_PATH",
            PROJECT_ROOT / "grafana/provisioning",
            PROJECT_ROOT.joinpath,
            "Grafana's provisioning folder: the scrape interval and the pages that exemplars link to.",
        )
    )
    provisioning_variables: Mapping[str, str] = field(default_factory=dict)
    """Values for `$NAME`: the environment, which overrides Grafana's own file of variables."""

    @property
    def host_names(self) -> frozenset[str]:
        """The host names, in lower case, under which people may open the viewer."""
        return own_names(self.host, self.names)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ViewerSettings:
        """Read the settings. An unset or empty variable keeps its default.

        Raises:
            SettingsError: a value is invalid. The message names the variable and what is expected.
        """
        environment = _with_todays_names(os.environ if environment is None else environment)
        settings = cls(**read_fields(cls, environment))
        variables = read_dotenv(settings.provisioning.parent / "grafana.env") | dict(environment)
        return replace(settings, provisioning_variables=variables)


def _with_todays_names(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with values of former names under today's. Today's names win."""
    found = {
        FORMER_NAMES[former]: value
        for former, value in environment.items()
        if former in FORMER_NAMES and value
    }
    for former, name in FORMER_NAMES.items():
        if name in found:
            logger.warning("%s is called %s now; the next release ignores %s", former, name, former)
    return {**environment, **{name: value for name, value in found.items() if not environment.get(name)}}
