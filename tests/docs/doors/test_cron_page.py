"""docs/use/cron.md: the list that it shows loads, and Docker, systemd and Kubernetes accept its files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from rq_mon.cron.application import cron_list
from rq_mon.health import _parse
from rq_mon.settings import Settings
from tests.deploy.test_kubernetes import NEWEST, OLDEST
from tests.harness.pages import Page

PAGE = Page("use/cron.md")
COMMAND = ["rq-mon-cron", "myapp.cron_jobs"]


def has_compose() -> bool:
    """Return whether this machine has Docker Compose; reading a file needs no engine."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0


def checks(command: list[str]) -> str:
    """Return what the health check of the page checks."""
    assert command[:3] == ["python", "-m", "rq_mon.health"]
    return str(_parse(command[3:]).what)


def test_the_list_of_the_page_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PAGE.write_files(tmp_path, {})
    (tmp_path / "myapp" / "tasks.py").write_text("def tidy(): ...\n\n\ndef report(): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("myapp", "myapp.cron_jobs", "myapp.tasks"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    entries = cron_list("myapp.cron_jobs")

    assert len(entries) == 2
    assert all(entry.define(Settings(), 0.0) for entry in entries)


def test_the_page_and_its_files_have_the_same_commands() -> None:
    service = yaml.safe_load(PAGE.files["compose.yml"])["services"]["cron"]

    assert PAGE.commands == [" ".join(COMMAND), "python -m rq_mon.health --here cron"]
    assert service["command"] == COMMAND
    assert " ".join(COMMAND) in PAGE.files["myapp-cron.service"]
    assert checks(service["healthcheck"]["test"][1:]) == "cron"


@pytest.mark.slow
@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
def test_compose_accepts_the_service(tmp_path: Path) -> None:
    PAGE.write_files(tmp_path, {})

    result = subprocess.run(
        ["docker", "compose", "--file", "compose.yml", "config", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("rq-mon-cron", "python"):
        (programs / name).symlink_to("/bin/true")
    PAGE.write_files(tmp_path, {"/opt/myapp": str(tmp_path)})
    units = [name for name in PAGE.files if name.endswith((".service", ".timer"))]

    result = subprocess.run(
        ["systemd-analyze", "verify", *units], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    assert len(units) == 3
    assert [line for line in result.stderr.splitlines() if "myapp-cron" in line] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_accepts_the_deployment_and_its_probes_exist(version: str) -> None:
    manifest = yaml.safe_load(PAGE.files["cron.yaml"])

    kubernetes_validate.validate(manifest, version, strict=True)
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert container["command"] == COMMAND
    for probe in ("readinessProbe", "livenessProbe"):
        assert checks(container[probe]["exec"]["command"]) == "cron"
