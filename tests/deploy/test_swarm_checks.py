"""The checks in an image before a swarm update. Here the image is a folder, and docker a script."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from stack.checks import refuse_mistakes
from stack.compose.checks import ImageTools
from stack.runtime import StackError
from stack.services import CRON_SCHEDULER
from stack.settings import PROJECT_ROOT, load_settings

DOCKER = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ "$1" != own:7 ]; do
    shift
done
shift
cd "$IMAGE" && exec "$PYTHON" "$@"
"""


class Image:
    """A folder with the code of an image, and the docker that runs it."""

    def __init__(self, folder: Path) -> None:
        self.code, self._calls = folder / "image", folder / "calls"
        for name in ("rq_mon", "scheduler", "demo", "stack"):
            shutil.copytree(
                PROJECT_ROOT / name, self.code / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(PROJECT_ROOT / "cron_jobs.py", self.code)
        docker = folder / "bin" / "docker"
        docker.parent.mkdir()
        docker.write_text(DOCKER)
        docker.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{docker.parent}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "IMAGE": str(self.code),
            "CALLS": str(self._calls),
            "PYTHONPATH": "",
        }

    def check(self) -> None:
        tools = ImageTools("prometheus:1", "alertmanager:2", "own:7", self.environment)
        refuse_mistakes([CRON_SCHEDULER], load_settings(), tools, self.code.parent)

    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)


@pytest.mark.slow
def test_the_cron_jobs_of_an_image_are_loaded_in_it_and_an_error_is_named(image: Image) -> None:
    image.environment["SCHEDULER_TIMEZONE"] = "Europe/Berlin"
    image.check()
    (call,) = image.calls()
    assert "--network=none" in call
    assert "--env=SCHEDULER_TIMEZONE own:7" in call

    cron_jobs = image.code / "cron_jobs.py"
    right = cron_jobs.read_text()
    line = next(n for n, text in enumerate(right.splitlines(), start=1) if "function=sync_catalogue" in text)
    cron_jobs.write_text(right.replace('"*/2 * * * *"', '"*/2 * *"'))
    with pytest.raises(StackError) as refused:
        image.check()
    assert "Nothing was changed. Fix this first:\ncron_jobs.py, line " in str(refused.value)
    assert f"line {line - 1}: cron job number 3 of the list (sync_catalogue)" in str(refused.value)
    assert "'*/2 * *'" in str(refused.value)

    cron_jobs.write_text(right)
    image.environment["SCHEDULER_TIMEZONE"] = "Europe/Berln"
    with pytest.raises(StackError, match=r"SCHEDULER_TIMEZONE.*'Europe/Berln'"):
        image.check()


@pytest.mark.parametrize("code", [125, 126, 127])
def test_a_missing_image_is_not_checked(image: Image, code: int) -> None:
    (image.code.parent / "bin" / "docker").write_text(f"#!/bin/sh\nexit {code}\n")
    (image.code / "cron_jobs.py").write_text("broken(")
    image.check()
