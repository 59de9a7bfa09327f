"""The viewer as a process that serves HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.harness.ports import free_port
from proofs.harness.servers import Server, running
from stack.services import RQ_MON_WEB
from stack.variables import RQ_MON_WEB_URL


@contextmanager
def running_viewer(
    project_root: Path, directory: Path, prometheus_url: str, dashboards: Path
) -> Iterator[Server]:
    """Run `python -m grafana.viewer` on a port of its own."""
    port = free_port()
    environment = {
        "VIEWER_PORT": str(port),
        "PROMETHEUS_URL": prometheus_url,
        "DASHBOARDS_PATH": str(dashboards),
        RQ_MON_WEB_URL.name: f"http://127.0.0.1:{RQ_MON_WEB.port}",
    }
    command = [sys.executable, "-m", "grafana.viewer"]
    with running("viewer", directory, port, command, "/health", environment, project_root) as server:
        yield server
