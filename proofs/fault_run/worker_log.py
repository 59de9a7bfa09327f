"""Facts that only a worker's log contains."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

_VANISHED = re.compile(r"^(\S+) +WARNING +rq\.worker: .*: job (\S+) was deleted while it ran$", re.MULTILINE)


def vanished(log: Path) -> list[tuple[float, str]]:
    """Return the jobs that workers found deleted before they could record the end, with the Unix times."""
    found = _VANISHED.findall(log.read_text(errors="replace"))
    return [(datetime.fromisoformat(moment).timestamp(), job_id) for moment, job_id in found]
