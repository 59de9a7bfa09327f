"""The dashboards in the folder; a file that was written anew is read anew, as Grafana's provisioning does."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from grafana.preview.dashboard import BrokenFile, Dashboard, DashboardError, Loaded
from grafana.preview.parsing import parse_dashboard

HOME = "rq-overview"
"""The dashboard at `/`: Grafana's home dashboard of this stack."""

Signature = tuple[tuple[str, int, int], ...]


class Library:
    """Every dashboard by its uid, and the files that hold none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._signature: Signature | None = None
        self._loaded = Loaded()

    def load(self) -> Loaded:
        """Return what the folder holds now."""
        with self._lock:
            signature = self._now()
            if signature != self._signature:
                self._loaded, self._signature = read_folder(self._folder), signature
            return self._loaded

    def home(self) -> Dashboard | None:
        """Return the home dashboard; the first one where there is no overview, None where there is none."""
        dashboards = self.load().dashboards
        return dashboards.get(HOME) or next(iter(dashboards.values()), None)

    def _now(self) -> Signature:
        try:
            stats = [(path.name, path.stat()) for path in sorted(self._folder.glob("*.json"))]
        except OSError:  # being written anew this very moment
            return ()
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def read_folder(folder: Path) -> Loaded:
    """Read every JSON file; of two files with the same uid the second is broken."""
    loaded = Loaded()
    for path in sorted(folder.glob("*.json")):
        try:
            dashboard = parse_dashboard(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, DashboardError) as error:
            loaded.broken.append(BrokenFile(path.name, str(error)))
            continue
        if dashboard.uid in loaded.dashboards:
            reason = f"uid: {dashboard.uid!r} is used by another file too"
            loaded.broken.append(BrokenFile(path.name, reason))
        else:
            loaded.dashboards[dashboard.uid] = dashboard
    return loaded
