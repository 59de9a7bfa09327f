"""Write the pages, or parts of pages, that are generated from code: `python -m docs.reference`."""

from __future__ import annotations

from pathlib import Path

from docs.reference.alerts import alerts_page
from docs.reference.defaults import files_with_defaults
from docs.reference.markdown import fill
from docs.reference.metrics import metrics_page
from docs.reference.settings import env_example, settings_in_readme, settings_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"


def pages() -> dict[Path, str]:
    """Return the text of every file that is generated, wholly or in parts."""
    return {
        DOCS / "extend" / "metrics.md": metrics_page(),
        DOCS / "operate" / "alerts.md": alerts_page(),
        DOCS / "operate" / "settings.md": settings_page(),
        ROOT / ".env.example": env_example(),
        README: fill(README.read_text(encoding="utf-8"), "settings", settings_in_readme()),
        **files_with_defaults(),
    }


def main() -> None:
    """Write every file."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
