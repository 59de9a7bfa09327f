"""The manifests as `kubectl kustomize` renders them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy.kubernetes.generate import FOLDER

Manifest = dict[str, Any]

KUBECTL = Path(sys.executable).with_name("kubectl")
BASE = "base"
REDIS = "overlays/redis"
OPERATOR = "overlays/prometheus-operator"
KEDA = "overlays/keda"
ALL = (BASE, REDIS, OPERATOR, KEDA)


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """Every object of a folder's kustomization."""
    command = [str(KUBECTL), "kustomize", str(FOLDER / folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(yaml.load_all(text, yaml.CSafeLoader))


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> dict[str, Manifest]:
    """The objects of some kinds, by name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def pods(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """The pod templates, by the name of their owner."""
    makers = of_kind(manifests, "Deployment", "StatefulSet")
    return {name: maker["spec"]["template"] for name, maker in makers.items()}


def container(pod: Manifest) -> Manifest:
    """The one container of a pod."""
    (only,) = pod["spec"]["containers"]
    assert isinstance(only, dict)
    return only
