"""A real Prometheus with data that was written beforehand."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

from proofs.harness.ports import free_port
from proofs.harness.servers import running
from stack.native.programs import PROMETHEUS, PROMTOOL

Series = dict[str, Any]
"""One series in an answer: its labels as `metric`, and `value` or `values`."""


class PrometheusServer:
    """A Prometheus with its blocks in `directory`, which can be stopped and restarted.

    It is ready inside a `with` block.
    """

    def __init__(self, directory: Path, configuration: str = "{}", *options: str) -> None:
        self.directory = directory
        self.blocks = directory / "blocks"
        self.blocks.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._configuration = directory / "prometheus.yml"
        self._configuration.write_text(configuration)
        self._options = options
        self._running = ExitStack()
        self.process_id = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it is ready."""
        arguments = [
            PROMETHEUS.path(),
            f"--config.file={self._configuration}",
            f"--storage.tsdb.path={self.blocks}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *self._options,
        ]
        server = running("prometheus", self.directory, self.port, arguments, "/-/ready")
        self.process_id = self._running.enter_context(server).process.pid

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def import_samples(self, text: Path) -> None:
        """Add the samples of an OpenMetrics file. It must be stopped."""
        promtool("tsdb", "create-blocks-from", "openmetrics", str(text), str(self.blocks))

    def instant(self, query: str, time: int) -> list[Series]:
        """The series of an instant query."""
        series: list[Series] = self.ask("query", query=query, time=time)["result"]
        return series

    def range(self, query: str, start: int, end: int, step: int) -> list[Series]:
        """The series of a range query."""
        series: list[Series] = self.ask("query_range", query=query, start=start, end=end, step=step)["result"]
        return series

    def ask(self, endpoint: str, **parameters: object) -> Any:
        """The data in its answer to any query."""
        with urlopen(f"{self.url}/api/v1/{endpoint}", urlencode(parameters).encode(), timeout=120) as answer:
            return json.load(answer)["data"]


def promtool(*arguments: str, cwd: Path | None = None) -> None:
    """Run promtool, in a folder if given.

    Raises:
        CalledProcessError: it failed.
    """
    subprocess.run([PROMTOOL.path(), *arguments], check=True, capture_output=True, text=True, cwd=cwd)
