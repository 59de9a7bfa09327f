"""A real Alertmanager on a free port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.harness.ports import free_port
from proofs.harness.servers import Server, running
from stack.native.programs import ALERTMANAGER
from tests.prometheus.rules import PROMETHEUS


@contextmanager
def running_alertmanager(directory: Path, receivers: Path | None = None) -> Iterator[Server]:
    """Run Alertmanager as both runtimes do, with the receivers of this folder."""
    port = free_port()
    arguments = [
        *(
            "sh",
            str(PROMETHEUS / "alertmanager.sh"),
            ALERTMANAGER.path(),
            str(directory / "alertmanager.yml"),
        ),
        f"--storage.path={directory / 'alertmanager-data'}",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    environment = {"ALERT_RECEIVERS_DIR": str(receivers) if receivers else ""}
    with running("alertmanager", directory, port, arguments, "/-/ready", environment) as server:
        yield server
