"""The images in the compose files, and how to pull the missing ones."""

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
    """An image from a registry."""

    default: str
    variable: str
    """Names another one: a mirror, or another version."""

    def reference(self, environment: Mapping[str, str]) -> str:
        """Return the image reference, with the user's override applied."""
        return environment.get(self.variable) or self.default


def image_of(definition: Mapping[str, Any]) -> Image | None:
    """Return the image that a service needs from a registry.

    For the service that builds our own image this is the base image. Services that share our image need none.
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
    """Pull the missing images. Print an error for each one that is not available, and return those."""
    return [image for image in images if not fetch(docker, image.reference(environment))]


def build_options(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the options of `docker compose build`: the commit as the version, unless the user set one.

    A build cannot read the commit itself.
    """
    commit = "" if environment.get(VERSION) else commit_of(folder)
    return ["--build-arg", f"{VERSION}={commit}"] if commit else []


def fetch(docker: Docker, reference: str) -> bool:
    """Pull the image if it is missing. If it is not available, print the error and return False."""
    if docker.has_image(reference):
        return True
    try:
        docker.pull(reference)
    except StackError as error:
        print(f"Cannot pull the image {reference}: {error}", flush=True)
        return False
    return True
