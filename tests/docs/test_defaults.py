"""Defaults and ports that other programs and people read: generated, or compared with the declarations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.reference.defaults import FILES, with_defaults
from stack.services import SERVICES
from stack.settings import PROJECT_ROOT

PORTS = {str(service.port) for service in SERVICES if service.port}
PAGES = [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").rglob("*.md"))]
OTHER_PORTS = {"several-redis.md": {"9727"}, "existing-prometheus.md": {"9091"}}
"""Ports of programs outside of the stack."""


@pytest.mark.parametrize(
    ("stale", "fresh"),
    [
        ("--retention=${PROMETHEUS_RETENTION_TIME:-15d}", "--retention=${PROMETHEUS_RETENTION_TIME:-30d}"),
        ("${RUNTIME:-x} ${OTHER:-y}", "${RUNTIME:-x} ${OTHER:-y}"),
        (
            "${GRAFANA_URL:-http://127.0.0.1:${GRAFANA_PORT:-1}}",
            "${GRAFANA_URL:-http://127.0.0.1:${GRAFANA_PORT:-3000}}",
        ),
        ('["127.0.0.1:${REDIS_PORT:-1}:2"]', '["127.0.0.1:${REDIS_PORT:-6379}:6379"]'),
        ("image: ${REDIS_IMAGE:-redis:7}", "image: ${REDIS_IMAGE:-redis:8}"),
        ("image: ${GRAFANA_IMAGE:-grafana/grafana:12.1}", "image: ${GRAFANA_IMAGE:-grafana/grafana:13.2.3}"),
        ("FROM x\nARG PYTHON_IMAGE=python:2\nRUN y", "FROM x\nARG PYTHON_IMAGE=python:3.13-slim\nRUN y"),
        ('targets: ["rq-exporter:1234", "shop:1234"]', 'targets: ["rq-exporter:9726", "shop:1234"]'),
        ("URL: http://prometheus:99", "URL: http://prometheus:9090"),
        (
            "| `REDIS_MAXMEMORY` (1gb), `RUNTIME` (native) |",
            "| `REDIS_MAXMEMORY` (256mb), `RUNTIME` (native) |",
        ),
        ("`REDIS_MAXMEMORY` (see below)", "`REDIS_MAXMEMORY` (see below)"),
    ],
)
def test_stale_defaults_are_rewritten_and_all_else_stays(stale: str, fresh: str) -> None:
    assert with_defaults(stale) == fresh


@pytest.mark.parametrize("file", FILES)
def test_every_listed_file_contains_a_default(file: str) -> None:
    text = (PROJECT_ROOT / file).read_text()

    assert re.search(r"\$\{[A-Z_]+:-|^ARG |:\d{4}\b|` \(\S+\)", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_ports_that_services_have(page: Path) -> None:
    ports = set(re.findall(r"127\.0\.0\.1:(\d+)", page.read_text(encoding="utf-8")))

    assert ports <= PORTS | OTHER_PORTS.get(page.name, set())
