"""Compose files as Compose reads them, for tests without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from stack.settings import PROJECT_ROOT


def compose_file(name: str) -> dict[str, Any]:
    """Return a compose file with `extends` resolved."""
    path = PROJECT_ROOT / name
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    services = {service: _extended(path, content["services"], service) for service in content["services"]}
    return {**content, "services": services}


def _extended(path: Path, services: dict[str, Any], name: str) -> dict[str, Any]:
    definition = dict(services[name])
    extends = definition.pop("extends", None)
    if extends is None:
        return definition
    if "file" in extends:
        path = path.parent / extends["file"]
        services = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["services"]
    return _merged(_extended(path, services, extends["service"]), definition)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = {**base, **own}
    for key in base.keys() & own.keys():
        if isinstance(base[key], dict) and isinstance(own[key], dict):
            merged[key] = _merged(base[key], own[key])
        elif isinstance(base[key], list) and isinstance(own[key], list):
            merged[key] = [*base[key], *own[key]]
    return merged
