"""`python -m stack.compose.pins`: write a compose file that pins each image by its digest.

A tag can move to another image; a digest cannot. Variables for images still override the pins.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from stack.compose.docker import Docker
from stack.compose.images import BASE_IMAGE_VARIABLE, image_of
from stack.runtime import StackError
from stack.services import CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, PINS_COMPOSE_FILE
from stack.settings import PROJECT_ROOT, load_settings

ANSWERS_WITHIN = 120.0
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HEAD = "# Written by `make pin-images`: the images that the tags named then. Delete it to use tags again.\n"


def main() -> int:
    """Write the file next to the other compose files; return the exit code."""
    path = PROJECT_ROOT / PINS_COMPOSE_FILE
    try:
        environment = load_settings().environment
        path.write_text(pinned(Docker(environment), environment), encoding="utf-8")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path.name} pins every image. make start-rq-mon reads it; docker compose needs: -f {path.name}")
    return 0


def pinned(docker: Docker, environment: Mapping[str, str]) -> str:
    """Return the text of the file.

    Raises:
        StackError: a registry does not answer or lacks an image. The message names the image.
    """
    files = (f"--file={PROJECT_ROOT / name}" for name in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE))
    words = ("compose", f"--project-directory={PROJECT_ROOT}", *files, "config", "--no-interpolate")
    definitions: Mapping[str, Any] = json.loads(docker.output(*words, "--format=json"))["services"]
    images = {name: image for name in definitions if (image := image_of(definitions[name]))}
    references = {image.reference(environment) for image in images.values()}
    digests = {reference: digest_of(reference, docker) for reference in sorted(references)}
    services: dict[str, Any] = {}
    for name, image in images.items():
        reference = image.reference(environment)
        text = f"${{{image.variable}:-{_without_tag(reference)}@{digests[reference]}}}"
        if "build" in definitions[name]:
            services[name] = {"build": {"args": {BASE_IMAGE_VARIABLE: text}}}
        else:
            services[name] = {"image": text}
    tags = "".join(f"#   {reference}\n" for reference in digests)
    return f"{HEAD}{tags}" + yaml.safe_dump({"services": services}, sort_keys=False, width=1000)


def digest_of(reference: str, docker: Docker) -> str:
    """Ask the registry for an image's digest."""
    inspect = ("buildx", "imagetools", "inspect", "--format={{json .Manifest}}", reference)
    try:
        said = docker.output(*inspect, within=ANSWERS_WITHIN)
    except StackError as error:
        raise StackError(
            f"{reference}: its registry gives no digest, so nothing was written. {error}"
        ) from error
    digest = _digest_in(said)
    if not DIGEST.fullmatch(digest):
        raise StackError(
            f"{reference}: expected a digest from its registry, got {said!r}; nothing was written"
        )
    return digest


def _digest_in(manifest: str) -> str:
    try:
        return str(json.loads(manifest)["digest"])
    except (ValueError, LookupError, TypeError):
        return ""


def _without_tag(reference: str) -> str:
    path, _, name = reference.partition("@")[0].rpartition("/")
    return f"{path}/{name.partition(':')[0]}".lstrip("/")


if __name__ == "__main__":
    sys.exit(main())
