"""The committed JSON: up to date, reproducible, and valid by Grafana's own types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grafana.__main__ import GENERATED, ONE_REDIS, files
from grafana.dashboards import DASHBOARDS
from grafana.layer.dashboard import to_json
from grafana.layer.panel import PLUGIN_VERSION


def test_the_committed_json_is_up_to_date() -> None:
    committed = {
        path: path.read_text(encoding="utf-8")
        for folder in (GENERATED, ONE_REDIS)
        for path in folder.glob("*.json")
    }

    assert committed == files(), "run `make dashboards` and commit what it writes"


def test_another_process_makes_the_same_text(project_root: Path) -> None:
    """Independent of the order of sets and hashes."""
    program = "from grafana.dashboards import DASHBOARDS as D; from grafana.layer.dashboard import to_json; "
    program += "print(''.join(map(to_json, D)), end='')"

    made = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project_root,
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout

    assert made == "".join(map(to_json, DASHBOARDS))


@pytest.fixture(scope="session")
def grafana_check(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grafana's own TypeScript types, and a checker of JSON against them, if they are available."""
    given = os.environ.get("GRAFANA_CHECK")
    source = Path(given) if given else project_root.parent / "shared" / "tools" / "grafana-check"
    if not source.is_dir() or shutil.which("npm") is None:
        pytest.skip("no grafana-check: set GRAFANA_CHECK to its folder, and install npm")
    copy = tmp_path_factory.mktemp("grafana-check") / "tool"
    shutil.copytree(source, copy, copy_function=shutil.copyfile)
    copy.chmod(0o755)
    installed = subprocess.run(
        ["npm", "ci", "--silent", "--no-fund", "--no-audit"], cwd=copy, capture_output=True, text=True
    )
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install grafana-check: {installed.stderr[-300:]}")
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("folder", [GENERATED, ONE_REDIS], ids=lambda folder: folder.name)
def test_every_dashboard_matches_grafanas_own_types(grafana_check: Path, folder: Path) -> None:
    paths = sorted(map(str, folder.glob("*.json")))

    checked = subprocess.run(["node", "check.mjs", *paths], cwd=grafana_check, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(paths)} file(s)" in checked.stdout


def test_panels_have_the_version_of_the_stacks_grafana(project_root: Path) -> None:
    compose = (project_root / "docker-compose-rq-monitor.yml").read_text()

    assert f"grafana/grafana:{PLUGIN_VERSION}" in compose
