"""A real Prometheus over data that was written beforehand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.harness.ports import free_port
from tests.harness.waiting import wait_until

Json = dict[str, Any]


class Prometheus:
    """A Prometheus that scrapes nothing, and answers from the blocks in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blocks = directory / "blocks"
        self.blocks.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        configuration = self.directory / "prometheus.yml"
        configuration.write_text("{}")
        with (self.directory / "prometheus.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={self.blocks}",
                    "--storage.tsdb.retention.time=100y",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_ready, f"Prometheus on port {self.port}")

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "prometheus.log").read_text()
        try:
            with urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def import_samples(self, text: Path) -> None:
        """Add the samples of an OpenMetrics file. Only while it is stopped."""
        _promtool("tsdb", "create-blocks-from", "openmetrics", str(text), str(self.blocks))

    def record(self, rules: Path, names: Collection[str], start: int, end: int) -> None:
        """Evaluate the recording rules of a folder that have these names, as if they had been there."""
        for level, groups in enumerate(_levels(rules, names)):
            file = self.directory / f"rules-{level}.yml"
            file.write_text(yaml.safe_dump({"groups": groups}))
            self.start()
            _promtool(
                *("tsdb", "create-blocks-from", "rules", f"--url={self.url}", f"--output-dir={self.blocks}"),
                *(f"--start={start}", f"--end={end}", str(file)),
            )
            self.stop()

    def instant(self, query: str, time: int) -> list[Json]:
        """The series of an instant query."""
        return self._ask("query", query=query, time=time)

    def range(self, query: str, start: int, end: int, step: int) -> list[Json]:
        """The series of a range query."""
        return self._ask("query_range", query=query, start=start, end=end, step=step)

    def _ask(self, endpoint: str, **parameters: object) -> list[Json]:
        with urlopen(f"{self.url}/api/v1/{endpoint}", urlencode(parameters).encode(), timeout=120) as answer:
            result: list[Json] = json.load(answer)["data"]["result"]
            return result


def _levels(folder: Path, names: Collection[str]) -> Iterator[list[Json]]:
    """The recording rules, cut so that each part only reads what is scraped, or recorded by a part before it.

    promtool does not see what it has just recorded.
    """
    todo = [
        (group.get("interval", "15s"), rule)
        for file in sorted(folder.glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if rule.get("record") in names
    ]
    while todo:
        waiting = {rule["record"] for _, rule in todo}
        now = [(interval, rule) for interval, rule in todo if not _waits_for(rule, waiting)]
        assert now, f"rules that wait for one another: {waiting}"
        todo = [item for item in todo if item not in now]
        yield [
            {"name": f"every-{every}", "interval": every, "rules": [rule for i, rule in now if i == every]}
            for every in sorted({interval for interval, _ in now})
        ]


def _waits_for(rule: Json, waiting: set[str]) -> bool:
    return any(name in rule["expr"] for name in waiting - {rule["record"]})


def _promtool(*arguments: str) -> None:
    subprocess.run(["promtool", *arguments], check=True, capture_output=True, text=True)
