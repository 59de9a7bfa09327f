"""Wrong clocks: libfaketime shifts the time of one process by the number of seconds in a file."""

from __future__ import annotations

from pathlib import Path

PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


def library() -> Path | None:
    """Return the path of libfaketime; None if it is not installed."""
    found = (path for place in PLACES for path in Path("/").glob(place.lstrip("/")))
    return next(found, None)


class Clock:
    """The clock of one process, which is right until `jump` is called.

    Args:
        file: holds the error of the clock; it is created here.
        library: the path of libfaketime. With None the clock is always right.
    """

    def __init__(self, file: Path, library: Path | None) -> None:
        self._file = file
        self._library = library
        self.jump(0)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which the process must start."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, seconds: int) -> None:
        """Make the clock wrong by this number of seconds."""
        whole = self._file.with_suffix(".new")
        whole.write_text(f"{seconds:+d}\n")
        whole.rename(self._file)
