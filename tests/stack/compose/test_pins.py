"""Images pinned by the digests of their registry: here a registry that serves a manifest for every name."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from proofs.harness.ports import free_port
from stack.compose.docker import Docker
from stack.compose.images import image_of
from stack.compose.pins import pinned
from stack.runtime import StackError
from stack.settings import PROJECT_ROOT, load_settings
from stack.variables import IMAGES, OWN_IMAGE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        subprocess.run(["sh", "-c", "docker buildx version"], capture_output=True, check=False).returncode
        != 0,
        reason="there is no docker buildx here",
    ),
]

INDEX = "application/vnd.oci.image.index.v1+json"


def manifest_of(path: str) -> bytes:
    """A different one for each image."""
    return json.dumps(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": {"of": path}}
    ).encode()


class Registry(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        name = self.path.removeprefix("/v2/").partition("/manifests/")[0]
        manifest = manifest_of(name)
        self.send_response(200)
        self.send_header("Content-Type", INDEX)
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(manifest).hexdigest()}")
        self.send_header("Content-Length", str(len(manifest)))
        self.end_headers()
        return manifest

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def docker_of(registry: str, dotenv: Path) -> tuple[Docker, dict[str, str]]:
    images = {each.name: f"{registry}/{each.default}" for each in IMAGES if each is not OWN_IMAGE}
    environment = {**load_settings(dotenv=dotenv).environment, **images}
    return Docker(environment), environment


def test_every_image_is_pinned_by_the_digest_of_its_registry(registry: str, tmp_path: Path) -> None:
    text = pinned(*docker_of(registry, tmp_path / ".env"))

    assert f"#   {registry}/redis:8\n" in text
    services = yaml.safe_load(text)["services"]
    of_redis = hashlib.sha256(manifest_of("redis")).hexdigest()
    assert services["redis"]["image"] == f"${{REDIS_IMAGE:-{registry}/redis@sha256:{of_redis}}}"
    assert "python@sha256:" in services["short-running-worker"]["build"]["args"]["PYTHON_IMAGE"]
    found = {image.variable for definition in services.values() if (image := image_of(definition))}
    assert found == {each.name for each in IMAGES if each is not OWN_IMAGE}


@pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker command here")
def test_a_registry_that_does_not_answer_is_named_with_the_image(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"

    with pytest.raises(StackError, match=r"its registry gives no digest, so nothing was written") as error:
        pinned(*docker_of(nowhere, tmp_path / ".env"))

    assert nowhere in str(error.value)
    assert not (PROJECT_ROOT / "docker-compose-pinned.yml").exists()
