"""The images that the compose files name, and getting those that the engine lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rq_mon.environment.variables import variables_in
from rq_mon.settings import Settings
from rq_mon.worker.version import commit_of
from stack.compose.docker import Docker
from stack.runtime import StackError

OVERRIDABLE = re.compile(r"\$\{(?P<variable>\w+):-(?P<default>[^}]+)\}")
BASE_IMAGE_VARIABLE = "PYTHON_IMAGE"
VERSION = variables_in(Settings)["version"].name


@dataclass(frozen=True, slots=True)
class Image:
    """An image that comes from a registry."""

    default: str
    variable: str
    """Names another one: a mirror, or another version."""

    def reference(self, environment: Mapping[str, str]) -> str:
        """Return the image that the user wants."""
        return environment.get(self.variable) or self.default


def image_of(definition: Mapping[str, Any]) -> Image | None:
    """Return the image that a service, as its compose file defines it, needs from a registry.

    That is the base image for the one that builds our own image, and none for those that share it.
    """
    if "build" in definition:
        text = definition["build"]["args"][BASE_IMAGE_VARIABLE]
    elif definition.get("pull_policy") == "never":
        return None
    else:
        text = definition["image"]
    match = OVERRIDABLE.fullmatch(text)
    if match is None:
        raise ValueError(f"expected an image as ${{VARIABLE:-name:version}}, got {text!r}")
    return Image(match["default"], match["variable"])


def fetch_missing(docker: Docker, images: Iterable[Image], environment: Mapping[str, str]) -> list[Image]:
    """Pull the images that the engine lacks; return those that are not available, after saying why."""
    return [image for image in images if not fetch(docker, image.reference(environment))]


def build_options(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the options of `docker compose build`: the image cannot read the commit it is built from.

    What the user set as the version is in the compose file.
    """
    commit = "" if environment.get(VERSION) else commit_of(folder)
    return ["--build-arg", f"{VERSION}={commit}"] if commit else []


def fetch(docker: Docker, reference: str) -> bool:
    """Pull the image if the engine lacks it; say why, and return False, if it is not available."""
    if docker.has_image(reference):
        return True
    try:
        docker.pull(reference)
    except StackError as error:
        print(f"Cannot pull the image {reference}: {error}", flush=True)
        return False
    return True
