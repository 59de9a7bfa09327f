"""Commands started by a shell, for tests of pages with commands to type."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def in_background(command: str, folder: Path, variables: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a command in a folder during the block; then kill it and its children."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
