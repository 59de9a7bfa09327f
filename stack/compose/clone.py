"""Which clone owns a compose project: two clones with one project name would share containers and volumes.

Compose labels each container with its folder. Volumes outlive containers, so make records the folder in the
label of an empty volume. The other volumes cannot carry it: compose would offer to recreate them.
"""

from __future__ import annotations

from pathlib import Path

from stack.compose.docker import Docker
from stack.runtime import StackError
from stack.settings import PROJECT_ROOT

PROJECT_LABEL = "com.docker.compose.project"
FOLDER_OF_CONTAINER = "com.docker.compose.project.working_dir"
CLAIMED_PROJECT = "rq-mon.project"
CLAIMED_FOR = "rq-mon.folder"


class Clone:
    """This folder's claim on a project name in a Docker engine."""

    def __init__(self, docker: Docker, project: str) -> None:
        self._docker = docker
        self._project = project

    @property
    def volume(self) -> str:
        """The name of the volume that holds the claim."""
        return f"{self._project}_clone"

    def other_folder(self) -> str | None:
        """Return the folder of the other clone that owns the project, None if there is none."""
        label = f"--filter=label={PROJECT_LABEL}={self._project}"
        claim = f"--filter=label={CLAIMED_PROJECT}={self._project}"
        found = [
            *self._lines("ps", "--all", label, f'--format={{{{.Label "{FOLDER_OF_CONTAINER}"}}}}'),
            *self._lines("volume", "ls", claim, f'--format={{{{.Label "{CLAIMED_FOR}"}}}}'),
        ]
        return next((folder for folder in found if Path(folder).resolve() != PROJECT_ROOT), None)

    def refuse_foreign(self) -> None:
        """Raise StackError if another clone owns the project."""
        if folder := self.other_folder():
            raise StackError(
                f"The project {self._project} of this Docker engine belongs to the clone in {folder}."
                " To run both, set COMPOSE_PROJECT_NAME and other ports in .env here, or RUNTIME=native."
                f" If that clone was moved to this folder: docker volume rm {self.volume}"
            )

    def has_volumes(self) -> bool:
        """Return whether the engine holds data of the project, and it belongs to this clone."""
        volumes = self._lines("volume", "ls", "--quiet", f"--filter=label={PROJECT_LABEL}={self._project}")
        return bool(volumes) and self.other_folder() is None

    def claim(self) -> None:
        """Claim the project for this folder. Raise StackError if another clone was faster."""
        labels = (f"--label={CLAIMED_PROJECT}={self._project}", f"--label={CLAIMED_FOR}={PROJECT_ROOT}")
        self._docker.output("volume", "create", *labels, self.volume)  # does nothing if the volume exists
        self.refuse_foreign()

    def release(self) -> None:
        """Release the claim, after the data is gone."""
        self._docker.output("volume", "rm", "--force", self.volume)

    def _lines(self, *arguments: str) -> list[str]:
        return [line for line in self._docker.output(*arguments).splitlines() if line]
