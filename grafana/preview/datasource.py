"""What Grafana's provisioning says about the data source: the preview goes by the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grafana.preview.timerange import parse_duration

GRAFANA_DEFAULT_INTERVAL = 15.0
"""Seconds between scrapes that Grafana assumes where the data source says nothing."""

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class Destination:
    """The page that an exemplar leads to, by one of its labels."""

    label: str
    url: str
    """`${__value.raw}` stands for the label's value."""
    title: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """The Prometheus that dashboards ask."""

    name: str = "Prometheus"
    uid: str = "prometheus"
    scrape_interval: float = GRAFANA_DEFAULT_INTERVAL
    exemplar_links: tuple[Destination, ...] = ()


def read_datasource(provisioning: Path, variables: Mapping[str, str]) -> DataSource:
    """Return the Prometheus of the provisioning files, Grafana's defaults where there is none.

    `variables` are put in the place of `$NAME`; a page whose address needs one that is not set is left out.
    """
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
        scrape_interval=parse_duration(str(interval)) if interval else GRAFANA_DEFAULT_INTERVAL,
        exemplar_links=tuple(_destinations(details.get("exemplarTraceIdDestinations") or (), variables)),
    )


def _sources(path: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return [source for source in content.get("datasources") or () if isinstance(source, dict)]


def _destinations(items: Sequence[Mapping[str, Any]], variables: Mapping[str, str]) -> Iterator[Destination]:
    for item in items:
        url = _expand(str(item.get("url") or ""), variables)
        if url:
            label = str(item["name"])
            yield Destination(label, url, str(item.get("urlDisplayLabel") or f"Go to {label}"))


def _expand(text: str, variables: Mapping[str, str]) -> str | None:
    """Fill in variables as Grafana's provisioning does; `$$` is a dollar sign. None where one is missing."""
    names = {match[1] or match[2] for match in _VARIABLE.finditer(text)} - {None}
    if not all(variables.get(name) for name in names):
        return None
    return _VARIABLE.sub(lambda m: "$" if m[0] == "$$" else variables[m[1] or m[2]], text)
