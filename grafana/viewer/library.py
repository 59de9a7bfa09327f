"""The dashboards in a folder. A changed file is read again, as in Grafana's provisioning."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

HOME = "rq-overview"
"""The dashboard at `/`: the home dashboard of this stack."""

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard, and its text for the browser."""

    uid: str
    title: str
    tags: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The content of a folder."""

    dashboards: dict[str, Dashboard] = field(default_factory=dict)
    """By uid, ordered by title."""
    broken: dict[str, str] = field(default_factory=dict)
    """Files without a valid dashboard, each with the reason."""

    def home(self) -> Dashboard | None:
        """Return the overview, or else the first dashboard; None if there is none."""
        return self.dashboards.get(HOME) or next(iter(self.dashboards.values()), None)


class Library:
    """All dashboards of a folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._signature: Signature | None = None
        self._loaded = Loaded()

    def load(self) -> Loaded:
        """Return the current content of the folder."""
        with self._lock:
            signature = self._now()
            if signature != self._signature:
                self._loaded, self._signature = read_folder(self._folder), signature
            return self._loaded

    def _now(self) -> Signature:
        try:
            stats = [(path.name, path.stat()) for path in sorted(self._folder.glob("*.json"))]
        except OSError:  # a file is being replaced right now
            return ()
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def read_folder(folder: Path) -> Loaded:
    """Read every JSON file; of two files with the same uid, the second is broken."""
    found: dict[str, Dashboard] = {}
    broken: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            dashboard = _read(path)
        except (OSError, ValueError) as error:
            broken[path.name] = str(error)
            continue
        if dashboard.uid in found:
            broken[path.name] = f"uid: another file has {dashboard.uid!r} too"
        else:
            found[dashboard.uid] = dashboard
    return Loaded(dict(sorted(found.items(), key=lambda item: item[1].title)), broken)


def _read(path: Path) -> Dashboard:
    text = path.read_text(encoding="utf-8")
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - every fault of a file is a ValueError
    for key in ("uid", "title"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise ValueError(f"{key}: expected text, got {raw.get(key)!r}")
    for key in ("panels", "tags"):
        if not isinstance(raw.get(key), list):
            raise ValueError(f"{key}: expected a list, got {raw.get(key)!r}")  # noqa: TRY004
    return Dashboard(raw["uid"], raw["title"], tuple(map(str, raw["tags"])), text)
