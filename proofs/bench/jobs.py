"""Jobs that do nothing, under as many names as needed."""

from __future__ import annotations


def noop(*_: object) -> None:
    """Do nothing."""


FUNCTIONS = 25
NOOPS = tuple(f"{__name__}.noop_{number}" for number in range(FUNCTIONS))
globals().update({path.rpartition(".")[2]: noop for path in NOOPS})
