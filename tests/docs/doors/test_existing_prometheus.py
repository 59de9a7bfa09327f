"""docs/start/existing-prometheus.md as a newcomer runs it: its commands, in order, as written.

Only addresses differ, so that tests can run in parallel.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import yaml

from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server, running
from proofs.harness.waiting import wait_until
from rq_mon.environment.variables import variables_in
from rq_mon.settings import Settings
from tests.harness.environments import PROJECT_ROOT
from tests.harness.pages import Page, changed
from tests.harness.shell import in_background

pytestmark = [pytest.mark.e2e(seconds=60), pytest.mark.needs("redis-server", "prometheus", "promtool")]

PAGE = Page("start/existing-prometheus.md")
REDIS, EXPORTER, PROMETHEUS = "redis://127.0.0.1:6379/0", "127.0.0.1:9726", "127.0.0.1:9091"
WITHIN = 180.0
METRIC = "rq_exporter_build_info{instance='shop'}"


class Newcomer:
    """A shell in a new folder, beside the checkout `rq-mon`."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.folder = folder
        self.port, self.prometheus = free_port(), free_port()
        self._addresses = {
            REDIS: server.url,
            EXPORTER: f"127.0.0.1:{self.port}",
            PROMETHEUS: f"127.0.0.1:{self.prometheus}",
        }
        (folder / "rq-mon").symlink_to(PROJECT_ROOT)
        programs = Path(sys.executable).parent
        tools = folder / "bin"
        tools.mkdir()
        (tools / "pipx").symlink_to(programs / "pipx")
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.variables = kept | {
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
            "UV_TOOL_DIR": str(folder / "uv-tools"),
            "UV_TOOL_BIN_DIR": str(tools),
            "UV_PYTHON": sys.executable,
            "PIPX_HOME": str(folder / "pipx"),
            "PIPX_BIN_DIR": str(tools),
            "PIPX_DEFAULT_PYTHON": sys.executable,
            "RQ_EXPORTER_PORT": str(self.port),
        }

    def here(self, command: str) -> str:
        """Return a command of the page with this test's addresses."""
        return changed(command, self._addresses)

    def run(self, command: str) -> str:
        """Run a command of the page; return its output."""
        result = subprocess.run(
            ["/bin/sh", "-c", self.here(command)],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        return result.stdout

    def in_background(self, command: str) -> AbstractContextManager[None]:
        """Run a command of the page in the background during the block."""
        command = self.here(command.removesuffix("&"))
        return in_background(command, self.folder, self.variables, self.folder / "background.log")


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    with RedisServer(tmp_path) as server:
        yield Newcomer(tmp_path, server)


def test_three_commands_bring_metrics_rules_and_dashboards(newcomer: Newcomer) -> None:
    install, start, export, check, run = PAGE.commands[:5]
    folder = newcomer.folder / "rq-mon-files"
    began = time.monotonic()

    newcomer.run(install)
    with newcomer.in_background(start):
        newcomer.run(export)
        commands = time.monotonic() - began
        assert "SUCCESS" in newcomer.run(check)
        arguments = shlex.split(newcomer.here(run))
        with running(
            "prometheus", newcomer.folder, newcomer.prometheus, arguments, "/-/ready", cwd=newcomer.folder
        ) as prometheus:
            wait_until(lambda: answers(prometheus, METRIC), "the exporter's metrics", within=WITHIN)
            seconds = time.monotonic() - began
            groups = prometheus.json("/api/v1/rules")["data"]["groups"]
    print(f"the three commands: {commands:.0f} s; metrics and rules in Prometheus: {seconds:.0f} s")

    written = [yaml.safe_load(path.read_text()) for path in (folder / "rules").iterdir()]
    assert {group["name"] for group in groups} == {
        each["name"] for file in written for each in file["groups"]
    }
    assert len(list((folder / "dashboards").glob("*.json"))) >= 5
    for what in ("rules", "dashboards"):
        newcomer.run(PAGE.command(f"rqmon export {what}"))
        assert {path.name for path in (newcomer.folder / f"rq-mon-{what}").iterdir()} == {
            path.name for path in (folder / what).iterdir()
        }


def answers(prometheus: Server, query: str) -> bool:
    return bool(prometheus.json(f"/api/v1/query?query={quote(query)}")["data"]["result"])


def test_the_exporter_runs_in_an_environment_created_by_uv(newcomer: Newcomer) -> None:
    tools = newcomer.folder / "bin"
    (tools / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    if not reaches_packages(tools / "uv"):
        pytest.skip("uv reaches no package index on this machine; pip is configured apart from it")
    newcomer.run(PAGE.command("uv tool install"))

    with newcomer.in_background("rq-mon-exporter"):
        wait_until(lambda: is_served(newcomer.port), "the exporter", within=WITHIN)


def reaches_packages(uv: Path) -> bool:
    command = [str(uv), "pip", "compile", "--no-cache", "--quiet", "-"]
    return subprocess.run(command, input="packaging", text=True, capture_output=True).returncode == 0


def is_served(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return b"rq_exporter_build_info" in answer.read()
    except OSError:
        return False


def test_the_container_uses_existing_settings_and_modules() -> None:
    command = PAGE.command("docker run")
    known = {variable.name for variable in variables_in(Settings).values()}

    assert set(re.findall(r"--env (\w+)=", command)) <= known
    assert command.endswith("rq-mon:local python -m rq_mon.exporter")
