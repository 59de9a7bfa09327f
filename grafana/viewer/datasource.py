"""The data source in Grafana's provisioning files, which the viewer uses, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GRAFANA_DEFAULT_INTERVAL = "15s"
"""Grafana's default for the time between scrapes."""

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class Destination:
    """The page to which a label of an exemplar links."""

    label: str
    url: str
    """With `${__value.raw}` for the label's value."""
    title: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """The Prometheus that dashboards query."""

    name: str = "Prometheus"
    scrape_interval: str = GRAFANA_DEFAULT_INTERVAL
    """In Grafana's notation, such as 5s."""
    destinations: tuple[Destination, ...] = ()


def read_datasource(provisioning: Path, variables: Mapping[str, str]) -> DataSource:
    """Return the Prometheus of the provisioning files; Grafana's defaults if there is none.

    `variables` replace `$NAME`. A link whose URL needs an unset variable is left out.
    """
    files = sorted(provisioning.glob("datasources/*.y*ml"))
    found = (source for path in files for source in _sources(path) if source.get("type") == "prometheus")
    raw = next(found, None)
    if raw is None:
        return DataSource()
    details = raw.get("jsonData") or {}
    return DataSource(
        name=str(raw.get("name", "Prometheus")),
        scrape_interval=str(details.get("timeInterval") or GRAFANA_DEFAULT_INTERVAL),
        destinations=tuple(_destinations(details.get("exemplarTraceIdDestinations") or (), variables)),
    )


def _sources(path: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return [source for source in content.get("datasources") or () if isinstance(source, dict)]


def _destinations(items: Sequence[Mapping[str, Any]], variables: Mapping[str, str]) -> Iterator[Destination]:
    for item in items:
        url = _expand(str(item.get("url") or ""), variables)
        if url and url.startswith(("http://", "https://")):
            label = str(item["name"])
            yield Destination(label, url, str(item.get("urlDisplayLabel") or f"Go to {label}"))


def _expand(text: str, variables: Mapping[str, str]) -> str | None:
    """Replace variables as Grafana's provisioning does; `$$` is a dollar sign.

    Return None if one is unset.
    """
    names = {match[1] or match[2] for match in _VARIABLE.finditer(text)} - {None}
    if not all(variables.get(name) for name in names):
        return None
    return _VARIABLE.sub(lambda m: "$" if m[0] == "$$" else variables[m[1] or m[2]], text)
