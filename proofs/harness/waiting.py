"""Wait for conditions, never for time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, *, within: float = 90.0, every: float = 0.05) -> T:
    """Return the first truthy value of `condition()`. The default limit is long: the machine may be busy.

    Raises:
        AssertionError: it stayed falsy for `within` seconds. The message has `what` and the last value.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within} s for {what}; last seen: {value!r}")
        time.sleep(every)
