"""One Prometheus, one preview and one browser for all tests of this folder; each test has its own page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from proofs.harness.browser import DashboardView, open_browser, open_dashboard
from proofs.harness.servers import Server
from tests.grafana.preview.boards import write_boards
from tests.grafana.preview.history import LENGTH
from tests.grafana.preview.prometheus import SyntheticPrometheus, running_prometheus
from tests.harness.preview import running_preview

OpenDashboard = Callable[..., DashboardView]

TIME_ZONE = "Asia/Kathmandu"
"""UTC+05:45, without daylight saving."""


@pytest.fixture(scope="session")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preview") / "boards"
    write_boards(folder)
    return folder


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyntheticPrometheus]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="session")
def preview(
    project_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    prometheus: SyntheticPrometheus,
    boards: Path,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("preview")
    with running_preview(project_root, folder, prometheus.url, boards) as server:
        yield server


@pytest.fixture(scope="session")
def browser_context() -> Iterator[BrowserContext]:
    """A browser in a time zone far from that of Prometheus and of most machines."""
    with open_browser() as chromium:
        yield chromium.new_context(timezone_id=TIME_ZONE)


@pytest.fixture(scope="module")
def look_at(
    preview: Server, prometheus: SyntheticPrometheus, browser_context: BrowserContext
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
