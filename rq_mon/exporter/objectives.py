"""The objectives of the known queues, from the users' file."""

from __future__ import annotations

import logging
from pathlib import Path

from rq_mon.objectives import DEFAULT_FILE, Objective, Objectives, ObjectivesError, load_objectives
from rq_mon.state.errors import Errors

logger = logging.getLogger(__name__)


class CurrentObjectives:
    """Reads the file at the start, and again whenever it changes.

    The exporter does not start with an invalid file. If the file becomes invalid later, the last objectives
    stay in use, and each scrape counts an error until the file is fixed.
    """

    def __init__(self, path: Path | None, errors: Errors) -> None:
        """Read `path`, else ./objectives.yml; without either, every queue has the defaults.

        Raises:
            ObjectivesError: the file is invalid.
        """
        self._path = path or DEFAULT_FILE
        self._errors = errors
        self._version: tuple[int, ...] | None = None
        self._objectives = Objectives()
        self._is_watched = path is not None or DEFAULT_FILE.exists()
        if self._is_watched:
            self._read()
        else:
            logger.info("no %s here: every queue has the default objective", DEFAULT_FILE)

    def of(self, queue: str) -> Objective:
        """Return the objectives of a queue, as last read."""
        return self._objectives.of(queue)

    def read_again_if_changed(self) -> None:
        """Read the file again if it is another one, or has changed."""
        if not self._is_watched or self._current_version() == self._version:
            return
        try:
            self._read()
        except ObjectivesError as error:
            self._version = None  # so that the next scrape tries again, and counts the error again
            self._errors.count("objectives", f"keeping the previous objectives: {error}")
        else:
            logger.info("read %s again", self._path)

    def _read(self) -> None:
        self._version = self._current_version()
        self._objectives = load_objectives(self._path)

    def _current_version(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns
