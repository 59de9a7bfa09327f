"""prometheus.yml for local processes: the shared file with this machine's addresses of the services."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from stack.services import SERVICES, Service

SERVICE_BY_TARGET = {f"{service.name}:{service.port}": service for service in SERVICES if service.port}


SHARED_PASSWORD = "/run/access/alertmanager-password"  # noqa: S105 - the name of a file
"""The path of Alertmanager's password in the shared file, inside the container."""
SHARED_TARGETS = Path("/etc/prometheus-targets")
"""The folder of the user's scrape targets in the shared file, inside the container."""


def rewrite(
    shared: str,
    running: Iterable[Service],
    address: Callable[[Service], str],
    password: Path,
    targets: Path | None = None,
) -> str:
    """Return the text of a prometheus.yml whose targets are local ports.

    A job that scrapes only services that do not run here is left out. Targets outside this stack do not
    change.

    Args:
        shared: the text of prometheus/prometheus.yml
        running: the services on this machine
        address: returns host and port of a service, for programs on this machine
        password: the file with Alertmanager's password
        targets: the user's folder of scrape targets, None if there is none
    """
    services = frozenset(running)

    def local(targets: list[str]) -> list[str]:
        found = [(target, SERVICE_BY_TARGET.get(target)) for target in targets]
        return [
            target if service is None else address(service)
            for target, service in found
            if service is None or service in services
        ]

    config = yaml.safe_load(shared)
    alertmanagers = config.get("alerting", {}).get("alertmanagers", [])
    for alertmanager in alertmanagers:
        _map_targets(alertmanager, local)
    jobs = config["scrape_configs"]
    for client in (*alertmanagers, *jobs):
        if client.get("basic_auth", {}).get("password_file") == SHARED_PASSWORD:
            client["basic_auth"] = {**client["basic_auth"], "password_file": str(password)}
    for job in jobs:
        _move_further_targets(job, targets)
    config["scrape_configs"] = [job for job in jobs if _map_targets(job, local)]
    return "# Made from prometheus/prometheus.yml at each start.\n" + yaml.safe_dump(config, sort_keys=False)


def write(
    shared: Path,
    directory: Path,
    running: Iterable[Service],
    address: Callable[[Service], str],
    password: Path,
    targets: Path | None = None,
) -> Path:
    """Write the file and the shared rules into `directory`; return its path."""
    rules = directory / "rules"
    rules.unlink(missing_ok=True)
    rules.symlink_to(shared.parent / "rules")
    path = directory / shared.name
    text = rewrite(shared.read_text(encoding="utf-8"), running, address, password, targets)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)  # Prometheus may run as another user
    return path


def _map_targets(config: dict[str, Any], local: Callable[[list[str]], list[str]]) -> bool:
    """Replace the static targets in place. Return whether anything is left to scrape or to send alerts to."""
    _make_static(config)
    if "static_configs" not in config:
        return True
    for static in config["static_configs"]:
        static["targets"] = local(static["targets"])
    return any(static["targets"] for static in config["static_configs"])


def _make_static(config: dict[str, Any]) -> None:
    """Replace the DNS lookups of this stack's services by static targets."""
    for lookup in list(config.get("dns_sd_configs", [])):
        targets = [f"{name}:{lookup.get('port')}" for name in lookup["names"]]
        if SERVICE_BY_TARGET.keys() >= set(targets):
            config["dns_sd_configs"].remove(lookup)
            config.setdefault("static_configs", []).append({"targets": targets})


def _move_further_targets(job: dict[str, Any], folder: Path | None) -> None:
    """Read further exporters from the user's folder. Without one, remove that part."""
    kept = []
    for lookup in job.pop("file_sd_configs", []):
        files = [Path(file) for file in lookup["files"]]
        if all(file.parent != SHARED_TARGETS for file in files):
            kept.append(lookup)
        elif folder:
            kept.append({**lookup, "files": [str(folder / file.name) for file in files]})
    if kept:
        job["file_sd_configs"] = kept
