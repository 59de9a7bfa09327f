"""The `docker` command: run it, check its version, pull images."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

from stack.runtime import StackError

MINIMUM_ENGINE = (25, 0)
"""The first version with start_interval: frequent health checks while a container starts."""
MINIMUM_COMPOSE = (2, 26)

ANSWERS_WITHIN = 30.0
PULLS_WITHIN = 900.0


class Docker:
    """Runs `docker` with the stack's environment, against the engine that it names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def output(self, *arguments: str, within: float = ANSWERS_WITHIN) -> str:
        """Return what the command printed.

        Raises:
            StackError: it failed, or ran longer than `within` seconds. The message contains its output.
        """
        result = self._run(arguments, within, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode:
            raise StackError(f"`docker {arguments[0]}` failed: {result.stderr.strip()}")
        return result.stdout

    def show(self, *arguments: str, within: float | None = None) -> int:
        """Run the command in the user's terminal and return its exit code.

        Raises:
            StackError: it ran longer than `within` seconds.
        """
        return self._run(arguments, within).returncode

    def pipe(self, *arguments: str, stdin: IO[bytes] | None, stdout: IO[bytes] | None) -> None:
        """Run the command with these files as input and output, without a time limit.

        Raises:
            StackError: it failed. The message contains its output.
        """
        source, target = stdin or subprocess.DEVNULL, stdout or subprocess.DEVNULL
        result = self._run(arguments, None, stdin=source, stdout=target, stderr=subprocess.PIPE)
        if result.returncode:
            raise StackError(f"`docker {arguments[0]}` failed: {result.stderr.strip()}")

    def _run(
        self,
        arguments: Sequence[str],
        within: float | None,
        *,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[bytes] | int | None = None,
        stderr: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                ["docker", *arguments],
                env=self.environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                text=True,
                timeout=within,
                check=False,
            )
        except FileNotFoundError as error:
            raise StackError("There is no docker command on this machine.") from error
        except subprocess.TimeoutExpired as error:
            raise StackError(f"`docker {arguments[0]}` did not end within {error.timeout:.0f} s.") from error

    def engine_answers(self) -> bool:
        """Return whether the docker command is installed and its engine answers."""
        if not shutil.which("docker", path=self.environment.get("PATH")):
            return False
        try:
            self._engine_version()
        except StackError:
            return False
        return True

    def check_versions(self) -> None:
        """Raise StackError unless the engine and the Compose plugin are installed and new enough."""
        check_version("Docker Engine", self._engine_version(), MINIMUM_ENGINE)
        try:
            compose = self.output("compose", "version", "--short")
        except StackError as error:
            raise StackError(
                f"The docker command has no Compose plugin; {_dotted(MINIMUM_COMPOSE)} or newer is needed "
                "(docker-compose 1 is too old). To run without containers: RUNTIME=native"
            ) from error
        check_version("Docker Compose", compose, MINIMUM_COMPOSE)

    def has_image(self, reference: str) -> bool:
        """Return whether the engine has the image already."""
        return bool(self.output("image", "ls", "--quiet", reference).strip())

    def pull(self, reference: str) -> None:
        """Pull the image. Raise StackError if it is not available."""
        print(f"Pulling {reference}", flush=True)
        self.output("pull", "--quiet", reference, within=PULLS_WITHIN)

    def _engine_version(self) -> str:
        return self.output("version", "--format", "{{.Server.Version}}")


def check_version(program: str, version: str, minimum: tuple[int, int]) -> None:
    """Raise StackError, with both versions, if a program's version is too old."""
    match = re.match(r"v?(\d+)\.(\d+)", version)
    if match is None:
        raise StackError(f"{program}: expected a version number, got {version.strip()!r}")
    if (int(match[1]), int(match[2])) < minimum:
        raise StackError(
            f"{program} is {version.strip()}; {_dotted(minimum)} or newer is needed."
            " To run without containers: RUNTIME=native"
        )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)
