"""The compose files with Debian 13's Compose, 2.26. Resolving `extends` needs no engine."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack.compose.docker import MINIMUM_COMPOSE
from stack.services import CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, SERVICES
from stack.settings import PROJECT_ROOT
from tests.harness.compose_files import compose_file
from tests.harness.debian_package import unpack_or_skip

pytestmark = [pytest.mark.e2e, pytest.mark.needs("apt-get", "dpkg")]

VERSION = ".".join(map(str, MINIMUM_COMPOSE)) + "."
CREDENTIALS = "credentials"


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = unpack_or_skip(["docker-compose"], "trixie", tmp_path_factory.mktemp("debian"))
    return root / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"


def read(compose: Path, *files: str, **environment: str) -> dict[str, Any]:
    """The files as Compose resolves them, with all profiles, from a folder outside of the project."""
    options = [option for file in files for option in ("-f", str(PROJECT_ROOT / file))]
    shown = subprocess.run(
        [str(compose), *options, "--profile", "*", "config", "--format", "json"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    services: dict[str, Any] = json.loads(shown.stdout)["services"]
    return services


def test_this_version_is_the_oldest_that_the_readme_supports(compose: Path) -> None:
    version = subprocess.run([str(compose), "version", "--short"], capture_output=True, text=True, check=True)

    assert version.stdout.startswith(VERSION)
    assert f"Compose {VERSION.rstrip('.')}, or newer" in (PROJECT_ROOT / "README.md").read_text()


def test_both_files_together_contain_every_service_and_the_core_its_own(compose: Path) -> None:
    core = {service.name for service in SERVICES if service.compose_file == CORE_COMPOSE_FILE}

    assert read(compose, CORE_COMPOSE_FILE).keys() == {*core, CREDENTIALS}
    both = read(compose, CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)
    assert both.keys() == {CREDENTIALS, *(service.name for service in SERVICES)}


def test_compose_resolves_the_common_blocks_as_the_tests_do(compose: Path) -> None:
    both = read(compose, CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)
    services = [compose_file(file)["services"] for file in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)]

    for name, expected in [*services[0].items(), *services[1].items()]:
        if name == CREDENTIALS:
            continue
        found = both[name]
        for key in ("read_only", "cap_drop", "security_opt", "cpus", "pids_limit", "restart", "tmpfs"):
            assert found.get(key) == expected.get(key), (name, key)
        for key in ("environment", "healthcheck", "logging"):
            assert set(found.get(key) or ()) >= set(expected.get(key, ())), (name, key)
        for key in ("networks", "depends_on"):
            assert set(found.get(key) or ()) == set(expected.get(key, ())), (name, key)


def test_users_settings_apply_to_the_common_blocks(compose: Path) -> None:
    files = (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)

    worker = read(compose, *files, WORKER_MEMORY="1g", RQ_LOG_LEVEL="DEBUG")["long-running-worker"]

    assert worker["mem_limit"] == str(2**30)
    assert worker["environment"]["RQ_LOG_LEVEL"] == "DEBUG"
    assert worker["environment"]["RQ_RESULT_TTL_SECONDS"] is None
