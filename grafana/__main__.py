"""Write the dashboards' JSON: `python -m grafana`."""

from __future__ import annotations

from pathlib import Path

from grafana.dashboards import DASHBOARDS
from grafana.layer.dashboard import to_json

GENERATED = Path(__file__).parent / "generated"


def main() -> None:
    """Write every dashboard to generated/<uid>.json, and remove what is no longer one."""
    texts = {f"{dashboard.uid}.json": to_json(dashboard) for dashboard in DASHBOARDS}
    GENERATED.mkdir(exist_ok=True)
    for path in GENERATED.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (GENERATED / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
