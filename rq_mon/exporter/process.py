"""The exporter as a process."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from rq_mon.exporter.app import make_app
from rq_mon.exporter.names import OnlyOwnNames
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.scrape import ScrapeCollector
from rq_mon.exporter.server import ExporterServer
from rq_mon.exporter.snapshot import RedisReader
from rq_mon.logs import configure_logging
from rq_mon.objectives import ObjectivesError
from rq_mon.serving.host_names import own_names
from rq_mon.settings import Settings, settings_of_process
from rq_mon.state.errors import Errors

logger = logging.getLogger("rq_mon.exporter")


def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = settings_of_process()
    configure_logging(settings.log_level, settings.log_format)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    server = _server(settings)
    logger.info("serving http://%s:%d/metrics", settings.exporter_host, settings.exporter_port)
    server.serve_forever()


def _server(settings: Settings) -> ExporterServer:
    errors = Errors()
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):  # as rq-exporter does
        collector(registry=registry)
    try:
        objectives = CurrentObjectives(settings.objectives_file, errors)
    except ObjectivesError as error:
        sys.exit(str(error))
    reader = RedisReader(settings.redis_url, errors, objectives)
    registry.register(ScrapeCollector(reader, objectives, errors, registry, settings.job_pages_url))
    address = settings.exporter_host, settings.exporter_port
    names = own_names(socket.gethostname(), settings.exporter_names) | {settings.exporter_host.lower()}
    try:
        return ExporterServer(*address, OnlyOwnNames(make_app(registry, reader), names))
    except OSError as error:
        sys.exit(f"cannot listen on {address[0]}:{address[1]} (RQ_EXPORTER_HOST, RQ_EXPORTER_PORT): {error}")


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: a running scrape may be waiting for a frozen Redis."""
    sys.exit(0)
