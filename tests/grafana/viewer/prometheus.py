"""A real Prometheus for the viewer's tests: an hour of history, one scraped page, two alert rules."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from proofs.harness.prometheus import PrometheusServer
from proofs.harness.waiting import wait_until
from tests.grafana.viewer.history import EXEMPLAR_AGE, exemplar_page, history

RULES = """
groups:
  - name: test
    rules:
      - alert: QueueStalled
        expr: vector(1)
        labels: {severity: critical, queue: mail}
        annotations:
          summary: Nothing ended in mail
          dashboard_url: /d/other
          runbook_url: "javascript:alert(1)"
      - alert: SlowlyComing
        expr: vector(1)
        for: 1h
"""


CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: jobs
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextmanager
def serving(text: str) -> Iterator[int]:
    """Serve one text of metrics to be scraped, on the port that is yielded."""
    body = text.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class SyntheticPrometheus(PrometheusServer):
    """The server. Its data up to `end` (a Unix time) is the same in every run, except for the date."""

    def __init__(self, directory: Path, end: int, scraped_port: int) -> None:
        configuration = CONFIGURATION.format(port=scraped_port)
        super().__init__(directory, configuration, "--enable-feature=exemplar-storage")
        self.end = end
        (directory / "rules.yml").write_text(RULES)
        (directory / "history.txt").write_text(history(end))
        self.import_samples(directory / "history.txt")

    def start(self) -> None:
        """Start it, and return when it has evaluated the rules and scraped the page."""
        super().start()
        wait_until(self._knows_all, f"what Prometheus on port {self.port} is to know")

    def _knows_all(self) -> bool:
        firing = self.instant('ALERTS{alertstate="firing"}', int(time.time()))
        hour = {"start": self.end - 3600, "end": self.end}
        return bool(firing and self.ask("query_exemplars", query="job_seconds_bucket", **hour))


@contextmanager
def running_prometheus(directory: Path) -> Iterator[SyntheticPrometheus]:
    """Run it with the last hour, and with the page that it scrapes."""
    end = int(time.time()) // 60 * 60
    page = exemplar_page(end - EXEMPLAR_AGE)
    with serving(page) as port, SyntheticPrometheus(directory, end, port) as server:
        yield server
