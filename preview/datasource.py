"""What Grafana's provisioning says about the data source: the preview goes by the same file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from preview.timerange import parse_duration

GRAFANA_DEFAULT_INTERVAL = 15.0
"""Seconds between scrapes that Grafana assumes where the data source says nothing."""

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class DataSource:
    """The Prometheus that dashboards ask."""

    name: str = "Prometheus"
    uid: str = "prometheus"
    scrape_interval: float = GRAFANA_DEFAULT_INTERVAL
    exemplar_links: tuple[tuple[str, str], ...] = ()
    """Label of an exemplar, and the URL that its value leads to; `${__value.raw}` stands for the value."""


def read_datasource(provisioning: Path, environment: Mapping[str, str] | None = None) -> DataSource:
    """Return the Prometheus of the provisioning files, Grafana's defaults where there is none."""
    environment = os.environ if environment is None else environment
    files = sorted(provisioning.glob("datasources/*.y*ml"))
    found = (source for path in files for source in _sources(path) if source.get("type") == "prometheus")
    raw = next(found, None)
    if raw is None:
        return DataSource()
    details = raw.get("jsonData") or {}
    interval = details.get("timeInterval")
    return DataSource(
        name=str(raw.get("name", "Prometheus")),
        uid=str(raw.get("uid", "prometheus")),
        scrape_interval=parse_duration(_expand(interval, environment))
        if interval
        else GRAFANA_DEFAULT_INTERVAL,
        exemplar_links=tuple(
            (str(item["name"]), _expand(str(item["url"]), environment))
            for item in details.get("exemplarTraceIdDestinations") or ()
            if item.get("url")
        ),
    )


def _sources(path: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return [source for source in content.get("datasources") or () if isinstance(source, dict)]


def _expand(text: str, environment: Mapping[str, str]) -> str:
    """Fill in environment variables as Grafana's provisioning does; `$$` is a dollar sign."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else environment.get(match[1] or match[2], "")

    return _VARIABLE.sub(value, text)
