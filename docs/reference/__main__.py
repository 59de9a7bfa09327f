"""Write the pages: `python -m docs.reference`."""

from __future__ import annotations

from pathlib import Path

from docs.reference.alerts import alerts_page
from docs.reference.metrics import metrics_page

DOCS = Path(__file__).resolve().parents[1]


def pages() -> dict[Path, str]:
    """Return the text of every page."""
    return {DOCS / "metrics.md": metrics_page(), DOCS / "alerts.md": alerts_page()}


def main() -> None:
    """Write every page."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
