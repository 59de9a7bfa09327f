"""`python -m grafana.viewer`: serve the dashboards, drawn by Grafana's own libraries."""

from __future__ import annotations

import sys

from grafana.viewer.server import serve
from grafana.viewer.settings import ViewerSettings
from rq_mon.environment.variables import SettingsError
from rq_mon.logs import configure_logging


def main() -> int:
    """Serve until a signal ends it; return 1 if it cannot start."""
    configure_logging("INFO", "text")
    try:
        settings = ViewerSettings.from_environment()
    except SettingsError as error:
        print(f"viewer: {error}", file=sys.stderr)
        return 1
    try:
        serve(settings)
    except FileNotFoundError as error:
        print(f"viewer: {error.filename} is missing: `make viewer` builds the page", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"viewer: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
