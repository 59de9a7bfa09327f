"""The systemd unit that starts the native stack after a reboot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stack.native.service import install, render
from stack.runtime import StackError
from stack.settings import PROJECT_ROOT, StackSettings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return load_settings({"STOP_GRACE_SECONDS": "300"}, tmp_path / ".env")


def verify(unit: Path) -> str:
    """systemd's complaints about the unit."""
    result = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=300, check=False
    )
    return "\n".join(line for line in (result.stdout + result.stderr).splitlines() if unit.name in line)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder whose name has a meaning to systemd, with its own Python."""
    root = tmp_path / "100% of it; $HOME"
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(PROJECT_ROOT / ".venv/bin/python")
    return root


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_accepts_the_unit_and_refuses_a_wrong_one(
    settings: StackSettings, clone: Path, tmp_path: Path
) -> None:
    unit = tmp_path / "rq-mon-of-a-test.service"
    unit.write_text(render(settings, clone))
    assert verify(unit) == ""

    unit.write_text(render(settings, clone).replace("Type=oneshot", "Type=once"))
    assert "Failed to parse service type" in verify(unit)


def test_a_running_job_may_finish_when_the_machine_shuts_down(settings: StackSettings, clone: Path) -> None:
    assert "TimeoutStopSec=420\n" in render(settings, clone)


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a\\b"])
def test_a_folder_that_a_unit_cannot_name_is_refused(
    settings: StackSettings, tmp_path: Path, name: str
) -> None:
    with pytest.raises(StackError, match="expected a path without quotes"):
        render(settings, tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets as far as that")
def test_the_unit_of_another_clone_is_not_changed(
    settings: StackSettings, clone: Path, tmp_path: Path
) -> None:
    unit = tmp_path / "rq-mon-of-a-test.service"
    text = render(settings, clone)
    unit.write_text(text)

    with pytest.raises(StackError, match=r"belongs to the clone in .*100% of it"):
        install(unit, settings, tmp_path)

    assert unit.read_text() == text
