"""Check configuration files with the programs in the images that will run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from stack.checks import Finished, run_check
from stack.settings import PROJECT_ROOT

DOCKER_FAILED = (125, 126, 127)
"""Exit codes of `docker run` if nothing was checked: the image, or the program in it, is missing."""


class ImageTools:
    """Runs each program in a container without network. stack.checks.Tools describes the methods."""

    def __init__(self, prometheus: str, alertmanager: str, own: str, environment: Mapping[str, str]) -> None:
        self._prometheus, self._alertmanager, self._own = prometheus, alertmanager, own
        self._environment = environment

    def promtool(self, folder: Path) -> Finished | None:
        """Check the folder as Prometheus sees it."""
        return self._run(
            self._prometheus,
            ["promtool", "check", "config", "/etc/prometheus/prometheus.yml"],
            {folder: "/etc/prometheus"},
        )

    def amtool(self, config: Path, folder: Path) -> Finished | None:
        """Check the file. Its paths are relative to the folder of receivers."""
        mounts = {config: "/checked.yml", folder: "/etc/alertmanager-receivers"}
        return self._run(
            self._alertmanager,
            ["amtool", "check-config", "/checked.yml"],
            mounts,
            "/etc/alertmanager-receivers",
        )

    def cron_check(self) -> Finished | None:
        """Check the code in our own image, with the cron scheduler's settings."""
        names = ("RQ_SERIALIZER", "SCHEDULER_TIMEZONE")
        given = [f"--env={name}" for name in names if self._environment.get(name)]
        return self._run(self._own, ["python", "-m", "stack.cron_check"], {}, None, *given)

    def _run(
        self,
        image: str,
        words: list[str],
        mounts: Mapping[Path, str],
        folder: str | None = None,
        *options: str,
    ) -> Finished | None:
        program, *arguments = words
        volumes = [f"--volume={source}:{target}:ro" for source, target in mounts.items()]
        workdir = [f"--workdir={folder}"] if folder else []
        fixed = (
            "--rm",
            "--pull=never",
            "--network=none",
            "--read-only",
            f"--user={os.getuid()}",
            f"--entrypoint={program}",
        )
        run = ["docker", "run", *fixed, *volumes, *workdir, *options, image, *arguments]
        finished = run_check(run, PROJECT_ROOT, self._environment)
        return None if finished.returncode in DOCKER_FAILED else finished
