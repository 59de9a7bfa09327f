"""Free TCP ports on the loopback address."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

CANDIDATES = range(20_000, 30_000)
"""Below the range that Linux uses for outgoing connections, so that no client takes one of them."""

_claims = os.open(Path(tempfile.gettempdir(), f"rq-mon-ports-of-{os.getuid()}"), os.O_RDWR | os.O_CREAT)
"""Byte n is locked by the process that claimed port n. The kernel unlocks it when the process ends."""
_claimed: set[int] = set()
_order = random.SystemRandom().sample(CANDIDATES, len(CANDIDATES))
"""In this process: it does not use a port again right after another process left it."""


def free_port() -> int:
    """Return a port without a listener, that no other call gets until this process ends.

    Raises:
        RuntimeError: no port is left.
    """
    while _order:
        if claim(port := _order.pop()):
            return port
    raise RuntimeError(f"no free port from {CANDIDATES.start} to {CANDIDATES.stop - 1}")


def claim(port: int) -> bool:
    """Claim a port for this process. Return False if it is claimed or in use, here or elsewhere."""
    if port in _claimed:  # a process could lock again what it has locked
        return False
    try:
        fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _claimed.add(port)
    return _can_listen(port)


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
