"""One Prometheus, one preview and one browser for all tests of this folder; each test has its own page."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import BrowserContext

from tests.harness.browser import DashboardView, open_browser, open_dashboard
from tests.harness.ports import free_port
from tests.harness.waiting import wait_until
from tests.preview.boards import write_boards
from tests.preview.history import LENGTH
from tests.preview.prometheus import Prometheus

OpenDashboard = Callable[..., DashboardView]

TIME_ZONE = "Asia/Kathmandu"
"""UTC+05:45, without daylight saving."""


class Preview:
    """`python -m preview` as a process."""

    def __init__(self, project_root: Path, directory: Path, prometheus_url: str, dashboards: Path) -> None:
        self.port = free_port()
        self.log = directory / "preview.log"
        environment = {
            "PREVIEW_PORT": str(self.port),
            "PROMETHEUS_URL": prometheus_url,
            "DASHBOARDS_PATH": str(dashboards),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "preview"],
                cwd=project_root,
                env=os.environ | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers, f"the preview on port {self.port}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urlopen(f"{self.url}/api/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@pytest.fixture(scope="session")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preview") / "boards"
    write_boards(folder)
    return folder


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path_factory.mktemp("prometheus"))
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def preview(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, prometheus: Prometheus, boards: Path
) -> Iterator[Preview]:
    process = Preview(project_root, tmp_path_factory.mktemp("preview"), prometheus.url, boards)
    yield process
    process.stop()


@pytest.fixture(scope="session")
def browser_context() -> Iterator[BrowserContext]:
    """A browser in a time zone far from that of Prometheus and of most machines."""
    with open_browser() as chromium:
        yield chromium.new_context(timezone_id=TIME_ZONE)


@pytest.fixture(scope="module")
def look_at(
    preview: Preview, prometheus: Prometheus, browser_context: BrowserContext
) -> Iterator[OpenDashboard]:
    """Open dashboards on the hour of history; at the end, no console may have complained."""
    views: list[DashboardView] = []

    def look(uid: str = "all-types", query: Mapping[str, str] | None = None) -> DashboardView:
        hour = {"from": str((prometheus.end - LENGTH) * 1000), "to": str(prometheus.end * 1000)}
        views.append(open_dashboard(preview.url, uid, browser_context, query=hour | dict(query or {})))
        return views[-1]

    yield look
    for view in views:
        view.page.close()
    assert [error for view in views for error in view.console_errors] == []
