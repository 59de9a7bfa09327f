"""Write the dashboards' JSON: `python -m grafana`."""

from __future__ import annotations

import json
from pathlib import Path

from grafana.dashboards import DASHBOARDS
from grafana.layer.dashboard import as_text, to_json
from rq_mon.export.one_redis import for_one_redis

GENERATED = Path(__file__).parent / "generated"
ONE_REDIS = Path(__file__).parent / "one-redis"
"""The same for a stack that watches one Redis."""


def files() -> dict[Path, str]:
    """Return path and text of every dashboard, in both sets."""
    texts = {board.uid: to_json(board) for board in DASHBOARDS}
    return {
        **{GENERATED / f"{uid}.json": text for uid, text in texts.items()},
        **{
            ONE_REDIS / f"{uid}.json": as_text(for_one_redis(json.loads(text))) for uid, text in texts.items()
        },
    }


def main() -> None:
    """Write every dashboard to generated/<uid>.json and one-redis/<uid>.json. Remove other files."""
    texts = files()
    for folder in (GENERATED, ONE_REDIS):
        folder.mkdir(exist_ok=True)
        for path in folder.glob("*.json"):
            if path not in texts:
                path.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
