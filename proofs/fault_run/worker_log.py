"""What only the log of a worker tells."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

_VANISHED = re.compile(r"^(\S+) +WARNING +rq\.worker: .*: job (\S+) was deleted while it ran$", re.MULTILINE)


def vanished(log: Path) -> list[tuple[float, str]]:
    """Return when, as Unix time, a worker found which job gone before it could record its end."""
    found = _VANISHED.findall(log.read_text(errors="replace"))
    return [(datetime.fromisoformat(moment).timestamp(), job_id) for moment, job_id in found]
