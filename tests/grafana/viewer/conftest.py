"""One Prometheus with an hour of history, one viewer and one browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from grafana.__main__ import GENERATED
from proofs.harness.browser import DashboardView, open_browser, open_dashboard
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from proofs.harness.servers import Server
from tests.grafana.viewer.boards import write_boards
from tests.grafana.viewer.prometheus import SyntheticPrometheus, running_prometheus
from tests.harness.drawn_text import record_drawn_text
from tests.harness.past import START, past
from tests.harness.viewer import running_viewer

OpenPage = Callable[..., DashboardView]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[RecordedPrometheus]:
    rules = project_root / "prometheus" / "rules"
    yield from past(History(START), tmp_path_factory.mktemp("past"), rules)


@pytest.fixture(scope="session")
def viewer(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, recorded: RecordedPrometheus
) -> Iterator[Server]:
    """The viewer of the generated dashboards."""
    folder = tmp_path_factory.mktemp("viewer")
    with running_viewer(project_root, folder, recorded.url, GENERATED) as server:
        yield server


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyntheticPrometheus]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="session")
def viewer_of_types(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, synthetic: SyntheticPrometheus
) -> Iterator[Server]:
    """The viewer of dashboards with every type of panel."""
    folder = tmp_path_factory.mktemp("viewer")
    write_boards(folder / "boards")
    with running_viewer(project_root, folder, synthetic.url, folder / "boards") as server:
        yield server


@pytest.fixture(scope="session")
def browser_context() -> Iterator[BrowserContext]:
    with open_browser() as chromium:
        context = chromium.new_context(timezone_id="Asia/Kathmandu", viewport={"width": 1280, "height": 900})
        record_drawn_text(context)
        yield context


@pytest.fixture(scope="session")
def used_page(browser_context: BrowserContext) -> DashboardView:
    """One page for many tests: each new one compiles the viewer's code again, for over a CPU second."""
    return DashboardView(browser_context.new_page(), "")


@pytest.fixture
def open_page(used_page: DashboardView) -> Iterator[OpenPage]:
    """Open dashboards, on a page that others have used. At the end, its console may contain no error."""

    def look(server: Server, uid: str, start: int, end: int, **query: str) -> DashboardView:
        used_page.base_url = server.url
        used_page.console_errors.clear()
        used_page.page.mouse.move(0, 0)
        used_page.page.set_viewport_size({"width": 1280, "height": 900})
        used_page.go(uid, range_in_url(start, end) | query)
        return used_page

    yield look
    errors = [*used_page.console_errors]
    used_page.page.goto("about:blank")
    assert errors == []


@pytest.fixture
def open_new_page(browser_context: BrowserContext) -> Iterator[OpenPage]:
    """Open new pages, for tests that change the page itself. At the end, no console may contain an error."""
    pages: list[DashboardView] = []

    def look(server: Server, uid: str, start: int, end: int, **query: str) -> DashboardView:
        query = range_in_url(start, end) | query
        pages.append(open_dashboard(server.url, uid, browser_context, query=query))
        return pages[-1]

    yield look
    for page in pages:
        page.page.close()
    assert [error for page in pages for error in page.console_errors] == []


def range_in_url(start: int, end: int) -> dict[str, str]:
    return {"from": str(start * 1000), "to": str(end * 1000)}
