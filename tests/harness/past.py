"""A real Prometheus with an hour of made-up history, and the recorded series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grafana.queries.recorded import ALL_RECORDED
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus

HOUR = 3600
END = 1_750_003_200
START = END - HOUR


def past(history: History, directory: Path, rules: Path) -> Iterator[RecordedPrometheus]:
    """Run one with data of the hour before END."""
    server = RecordedPrometheus(directory)
    history.write(directory / "history.txt", START, END + 1, lambda _: 15)
    server.import_samples(directory / "history.txt")
    server.record(rules, ALL_RECORDED, START, END)
    with server:
        yield server
