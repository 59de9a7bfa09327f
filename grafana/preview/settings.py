"""What the preview is told from outside, by environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stack.dotenv import read_dotenv
from stack.services import PREVIEW, PROMETHEUS

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class SettingsError(ValueError):
    """A variable of the environment has a value that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    """Where Prometheus answers, where the dashboards lie and where the page listens."""

    prometheus_url: str
    host: str
    port: int
    dashboards: Path
    provisioning: Path
    """Grafana's provisioning folder: it names the scrape interval and the pages that exemplars link to."""
    provisioning_variables: Mapping[str, str]
    """What stands for the `$NAME`s in it: the environment, above Grafana's own file of variables."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> PreviewSettings:
        """Read the settings; a variable that is unset or empty keeps its default.

        Raises:
            SettingsError: a value cannot be used; the message names the variable and what is expected.
        """
        environment = os.environ if environment is None else environment

        def get(variable: str, default: str) -> str:
            return environment.get(variable, "").strip() or default

        provisioning = PROJECT_ROOT / get("PROVISIONING_PATH", "grafana/provisioning")
        return cls(
            prometheus_url=_url(get("PROMETHEUS_URL", f"http://127.0.0.1:{PROMETHEUS.port}")),
            host=get("PREVIEW_HOST", "127.0.0.1"),
            port=_port(get("PREVIEW_PORT", str(PREVIEW.port))),
            dashboards=_folder("DASHBOARDS_PATH", get("DASHBOARDS_PATH", "grafana/generated")),
            provisioning=provisioning,
            provisioning_variables=read_dotenv(provisioning.parent / "grafana.env") | dict(environment),
        )


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # The value may hold a password, so it is not repeated.
        raise SettingsError("PROMETHEUS_URL: expected a URL that starts with http:// or https://")
    return text.rstrip("/")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise SettingsError(f"PREVIEW_PORT: expected a whole number from 1 to 65535, got {text!r}")
    return int(text)


def _folder(variable: str, text: str) -> Path:
    folder = PROJECT_ROOT / text
    if not folder.is_dir():
        raise SettingsError(f"{variable}: expected a folder of dashboards (JSON files), got {text!r}")
    return folder
