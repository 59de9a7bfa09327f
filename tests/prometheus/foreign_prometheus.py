"""A Prometheus outside of the stack: other names, more labels, and files from `rqmon export`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from proofs.harness.ports import free_port
from proofs.harness.servers import Server, running
from rq_mon.cli.main import main

REDIS = "shop"
LABELS = {"team": "payments", "tier": "gold"}
"""Labels of the target, which alerts keep."""
EXTERNAL_LABELS = {"cluster": "west", "region": "eu"}
LINKS = ("--grafana-url", "https://grafana.example/g", "--runbook-url", "https://runbooks.example")


def exported_rules(directory: Path, *options: str, change: Callable[[str], str] = str) -> Path:
    """Export the rules into a folder, changed if need be, and return it."""
    assert main(["export", "rules", *LINKS, *options, str(directory)]) == 0
    for path in directory.iterdir():
        path.write_text(change(path.read_text()))
    return directory


@contextmanager
def foreign_prometheus(
    programs: Path,
    directory: Path,
    exporter_port: int,
    rules: Path,
    *,
    interval: str = "30s",
    evaluation_interval: str = "15s",
    alertmanager: Server | None = None,
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """Run it during the block. With an Alertmanager, it scrapes that and itself as well."""
    directory.mkdir()
    port = free_port()
    jobs: list[dict[str, Any]] = [
        {
            "job_name": "python/queues",
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "static_configs": [
                {"targets": [f"127.0.0.1:{exporter_port}"], "labels": {"instance": REDIS, **LABELS}}
            ],
        }
    ]
    config: dict[str, Any] = {
        "global": {"evaluation_interval": evaluation_interval, "external_labels": EXTERNAL_LABELS},
        "rule_files": [f"{rules}/*.yml"],
        "scrape_configs": jobs,
    }
    if alertmanager:
        jobs += [
            {"job_name": "paging", "static_configs": [{"targets": [alertmanager.address]}]},
            {"job_name": "itself", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]},
        ]
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address]}]}]}
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    arguments = [
        str(programs / "prometheus"),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *options,
    ]
    with running("prometheus", directory, port, arguments, "/-/ready") as server:
        yield server


def alerts_of(prometheus: Server) -> list[dict[str, Any]]:
    """Return its alerts, including pending ones."""
    alerts: list[dict[str, Any]] = prometheus.json("/api/v1/alerts")["data"]["alerts"]
    return alerts


def ask(prometheus: Server, endpoint: str, **parameters: object) -> list[dict[str, Any]]:
    """Return the series of its answer to a query."""
    answer = prometheus.json(f"/api/v1/{endpoint}?{urlencode(parameters)}")
    series: list[dict[str, Any]] = answer["data"]["result"]
    return series
