"""An exporter in the test's own process, line by line."""

from __future__ import annotations

import gzip
from typing import Any

from prometheus_client import CollectorRegistry

from rq_mon.exporter.app import make_app
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.scrape import ScrapeCollector
from rq_mon.exporter.snapshot import RedisReader
from rq_mon.state.errors import Errors

OPENMETRICS = "application/openmetrics-text"
ABOUT_ENDED_JOBS = ("rq_job_", "rq_jobs_")


class LocalExporter:
    """The answers of one exporter process."""

    def __init__(self, url: str) -> None:
        self.errors, registry = Errors(), CollectorRegistry()
        objectives = CurrentObjectives(None, self.errors)
        reader = RedisReader(url, self.errors, objectives)
        registry.register(ScrapeCollector(reader, objectives, self.errors, registry))
        self._app = make_app(registry, reader)

    def lines(
        self, accepted: str, encoding: str = "gzip", about: tuple[str, ...] = ABOUT_ENDED_JOBS
    ) -> list[str]:
        """All lines that begin with one of these texts, including exemplars."""
        text = self.text(accepted, encoding)
        assert "\nrq_redis_up 1.0\n" in text
        lines = [line for line in text.split("\n") if line.startswith(about)]
        series = [line.split(" # ")[0].rpartition(" ")[0] for line in lines]
        assert len({*series}) == len(series), "a series stands twice"
        return sorted(lines)

    def text(self, accepted: str, encoding: str) -> str:
        """The whole answer."""
        environ: Any = {
            "PATH_INFO": "/metrics",
            "REQUEST_METHOD": "GET",
            "HTTP_ACCEPT": accepted,
            "HTTP_ACCEPT_ENCODING": encoding,
        }
        body = b"".join(self._app(environ, lambda *_: lambda _: None))
        return (gzip.decompress(body) if encoding == "gzip" else body).decode()
