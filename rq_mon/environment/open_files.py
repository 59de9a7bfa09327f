"""Raises the limit of open files, which limits connections."""

from __future__ import annotations

import resource

OTHER_FILES = 200
"""File descriptors for everything except the server's connections."""


def allowed_connections(wanted: int) -> int:
    """Raise the limit for this many connections; return how many connections are possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, min(wanted, allowed - OTHER_FILES))
