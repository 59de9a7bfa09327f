"""`python -m grafana.preview`: serve the preview of the Grafana dashboards."""

from __future__ import annotations

import logging
import sys

from grafana.preview.server import serve
from grafana.preview.settings import PreviewSettings
from rq_mon.environment.variables import SettingsError


def main() -> int:
    """Serve until told to end; the exit code is 1 when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = PreviewSettings.from_environment()
    except SettingsError as error:
        print(f"preview: {error}", file=sys.stderr)
        return 1
    try:
        serve(settings)
    except OSError as error:
        print(f"preview: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
