"""`python -m stack.job_pages`: serve them until SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import sys

from waitress.server import create_server

from rq_mon.settings import SettingsError
from stack.job_pages.app import make_app
from stack.job_pages.settings import PageSettings

THREADS = 4


def main() -> int:
    """Serve, and return the exit code."""
    try:
        settings = PageSettings.from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    server = create_server(
        make_app(settings), host=settings.host, port=settings.port, threads=THREADS, ident="rq-mon"
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"rq-dashboard: http://{settings.host}:{settings.port}/", flush=True)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
