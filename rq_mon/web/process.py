"""The job pages as a process."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType
from typing import NoReturn

from rq_mon.connection.client import connect
from rq_mon.logs import configure_logging
from rq_mon.settings import SettingsError
from rq_mon.web.app import make_app
from rq_mon.web.server import make_server
from rq_mon.web.settings import WebSettings

logger = logging.getLogger("rq_mon.web")

REDIS_SECONDS = 3.0
"""Seconds: a person is waiting for the page."""


def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        settings = WebSettings.from_environment()
    except SettingsError as error:
        sys.exit(str(error))
    configure_logging(settings.processes.log_level, settings.processes.log_format)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    connection = connect(settings.processes.redis_url, socket_timeout=REDIS_SECONDS, attempts=1)
    try:
        server = make_server(make_app(settings, connection), settings.host, settings.port)
    except OSError as error:
        sys.exit(
            f"cannot listen on {settings.host}:{settings.port} (RQ_MON_WEB_HOST, RQ_MON_WEB_PORT): {error}"
        )
    logger.info("serving http://%s:%d/", settings.host, settings.port)
    server.run()


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: a request may be waiting for a frozen Redis."""
    sys.exit(0)
