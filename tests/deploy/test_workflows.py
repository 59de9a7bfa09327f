"""GitHub's workflows, which cannot run here: valid by GitHub's schema, and what they call exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT_ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((PROJECT_ROOT / ".github" / "workflows").glob("*.yml"))
CHECK = [
    sys.executable,
    *("-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"),
]

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


def scripts(path: Path) -> str:
    """Return all shell code of a workflow."""
    return "\n".join(step["run"] for job in jobs(path).values() for step in job["steps"] if "run" in step)


def test_there_are_workflows_for_checks_and_releases() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "release"]


@pytest.mark.slow
@each_workflow
def test_a_workflow_matches_the_schema_of_github(path: Path) -> None:
    result = subprocess.run([*CHECK, str(path)], capture_output=True, text=True, timeout=120)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_the_schema_refuses_a_workflow_with_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "ci.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on", "run-on"))

    assert subprocess.run([*CHECK, str(wrong)], capture_output=True, timeout=120).returncode == 1


@each_workflow
def test_scripts_and_make_targets_of_a_workflow_exist(path: Path) -> None:
    commands = [line.strip() for line in scripts(path).splitlines()]
    targets = {word for line in commands if line.startswith("make ") for word in line.split()[1:]}
    makefile = (PROJECT_ROOT / "Makefile").read_text()

    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
    for line in commands:
        if line.startswith("."):
            assert os.access(PROJECT_ROOT / line.split()[0], os.X_OK)
    assert targets or any(line.startswith(".") for line in commands)


@each_workflow
def test_a_workflow_has_minimal_permissions_and_a_time_limit(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    for name, job in jobs(path).items():
        assert job["timeout-minutes"] <= 90, name
        assert "${{" not in "".join(step.get("run", "") for step in job["steps"]), name


def test_the_release_refuses_a_tag_that_is_not_the_version() -> None:
    path = next(path for path in WORKFLOWS if path.stem == "release")
    (line,) = [line for line in scripts(path).splitlines() if "__version__" in line]
    version = re.search(r'__version__ = "(.+)"', (PROJECT_ROOT / "rq_mon" / "__init__.py").read_text())
    assert version

    for tag, code in ((f"v{version[1]}", 0), ("v99.0.0", 1)):
        ran = subprocess.run(["sh", "-c", line], cwd=PROJECT_ROOT, env={**os.environ, "TAG": tag})
        assert ran.returncode == code
