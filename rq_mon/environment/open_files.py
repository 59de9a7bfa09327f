"""How many files, and so connections, the system lets this process have open."""

from __future__ import annotations

import resource

OTHER_FILES = 200
"""File descriptors for all else than the connections that a server takes."""


def allowed_connections(wanted: int) -> int:
    """Let this process open the files that its connections need; return how many it may take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, min(wanted, allowed - OTHER_FILES))
