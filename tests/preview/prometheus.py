"""A real Prometheus for the preview's tests: an hour of history, one scraped page, two alert rules."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
import time
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.harness.ports import free_port
from tests.harness.waiting import wait_until
from tests.preview.history import EXEMPLAR_AGE, exemplar_page, history

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


class Page:
    """Serves one text of metrics to be scraped."""

    def __init__(self, text: str) -> None:
        body = text.encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Prometheus:
    """The server; what it knows until `end` (a Unix time) is the same at every run, but for the date."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.end = int(time.time()) // 60 * 60
        self.page = Page(exemplar_page(self.end - EXEMPLAR_AGE))
        self.process: subprocess.Popen[bytes] | None = None
        (directory / "history.txt").write_text(history(self.end))
        (directory / "rules.yml").write_text(RULES)
        (directory / "prometheus.yml").write_text(
            f"""
            global: {{scrape_interval: 1s, evaluation_interval: 1s}}
            rule_files: [rules.yml]
            scrape_configs:
              - job_name: jobs
                static_configs: [{{targets: ["127.0.0.1:{self.page.port}"]}}]
            """
        )
        blocks = ("history.txt", "data")
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", *blocks],
            cwd=directory, check=True, capture_output=True,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.directory / "prometheus.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    "--config.file=prometheus.yml",
                    "--storage.tsdb.path=data",
                    "--storage.tsdb.retention.time=10y",
                    "--enable-feature=exemplar-storage",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._knows_all, f"Prometheus on port {self.port}")

    def _knows_all(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "prometheus.log").read_text()
        try:
            return bool(self._ask("query", query='ALERTS{alertstate="firing"}')["result"]) and bool(
                self._ask("query_exemplars", query="job_seconds_bucket", start=self.end - 3600, end=self.end)
            )
        except (URLError, OSError):
            return False

    def _ask(self, path: str, **parameters: object) -> dict[str, object]:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=5) as answer:
            data: dict[str, object] = json.load(answer)["data"]
            return data

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        self.kill()
        self.page.close()
