"""What a reader sees if Prometheus is down, slow, or returns more than a page can show."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from proofs.harness.browser import PATIENCE
from proofs.harness.prometheus import PrometheusServer
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from tests.grafana.viewer.boards import board, panel, write_board
from tests.grafana.viewer.conftest import OpenPage
from tests.harness.past import END
from tests.harness.viewer import running_viewer

pytestmark = [pytest.mark.e2e(seconds=20), pytest.mark.needs("chromium", "prometheus", "promtool")]

MINUTE = 60
START = END - 10 * MINUTE
MANY = 500
LONG_NAME = "long-" + "x" * 10_000
SLOW = "max_over_time(count_over_time(vector(1)[5m:10ms])[6h:10ms])"
"""A query that takes Prometheus longer than the viewer waits."""
TOO_LONG = re.compile("took longer than 15 s|query timed out")
"""The message of the viewer, or of Prometheus, which times out at the same moment."""

LONG_TASKS = """
    window.longest = 0;
    new PerformanceObserver(list => {
        for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
    }).observe({type: 'longtask', buffered: true});
"""


def samples() -> Iterator[str]:
    for time in range(START, END + 1, 15):
        for number in range(MANY):
            yield f'many{{name="series-{number}"}} {number} {time}'
        yield f'many{{name="{LONG_NAME}"}} 1000 {time}'
    yield "# EOF\n"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> PrometheusServer:
    """A Prometheus with many series and a long name; not started."""
    server = PrometheusServer(tmp_path_factory.mktemp("crowded"))
    lines = sorted(samples())  # OpenMetrics requires the samples of a series to be consecutive
    (server.directory / "samples.txt").write_text("\n".join([*lines[1:], lines[0]]))
    server.import_samples(server.directory / "samples.txt")
    return server


@pytest.fixture(scope="module")
def crowded_viewer(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, crowded: PrometheusServer
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "boards").mkdir()
    graphs = [panel(n, "timeseries", f"Graph {n}", "many", legend="{{name}}") for n in range(2)]
    panels = [*graphs, panel(2, "table", "Table", "many"), panel(3, "bargauge", "Bars", "topk(3, many)")]
    slow = [panel(0, "stat", "Slow", SLOW), panel(1, "stat", "Quick", "vector(42)")]
    for uid, shown in (("crowded", panels), ("slow", slow)):
        one = board(uid, uid, shown, templating={"list": []}, annotations={"list": []})
        write_board(folder / "boards", one)
    with running_viewer(project_root, folder, crowded.url, folder / "boards") as server:
        yield server


def test_an_outage_of_prometheus_shows_a_banner_until_it_is_back(
    open_page: OpenPage, crowded_viewer: Server, crowded: PrometheusServer
) -> None:
    page = open_page(crowded_viewer, "crowded", START, END)

    banner = page.page.get_by_text("Prometheus does not answer", exact=True)
    expect(banner).to_be_visible()
    expect(page.panel("Graph 0")).to_contain_text(f"127.0.0.1:{crowded.port} does not answer")
    with crowded:
        expect(banner).to_be_hidden(timeout=PATIENCE)
        wait_until(lambda: page.panel("Graph 0").locator(".u-over").count() == 1, "the graph")
    assert all("502" in error for error in page.console_errors)
    page.console_errors.clear()


def test_the_highest_of_500_series_are_drawn_and_the_page_stays_responsive(
    open_new_page: OpenPage, crowded_viewer: Server, crowded: PrometheusServer
) -> None:
    with crowded:
        page = open_new_page(crowded_viewer, "crowded", START, END)
        page.page.add_init_script(LONG_TASKS)

        def stays_alive() -> bool:
            """The page blocks for less than a second, plus the time that other processes use its core."""
            page.page.reload()
            page.settle()
            for_each_core = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
            return float(page.page.evaluate("window.longest")) < 1000 * for_each_core

        wait_until(stays_alive, "a page that does not stand still for long", within=180)
        expect(page.panel("Graph 0").get_by_role("button", name="Show all 501")).to_be_visible()
        expect(page.panel("Graph 0")).to_contain_text("series-499")
        expect(page.panel("Graph 0")).not_to_contain_text("series-100")
        expect(page.panel("Bars")).to_contain_text("series-498")
        assert page.panel("Graph 0").get_by_text("x" * 201).count() == 0


def test_a_slow_query_does_not_delay_other_panels(
    open_page: OpenPage, crowded_viewer: Server, crowded: PrometheusServer
) -> None:
    with crowded:
        page = open_page(crowded_viewer, "crowded", START, END)
        page.page.goto(f"{crowded_viewer.url}/d/slow?from={START * 1000}&to={END * 1000}")

        expect(page.panel("Quick")).to_contain_text("42")
        expect(page.panel("Slow")).to_contain_text(TOO_LONG, timeout=PATIENCE)
    assert all("50" in error or "42" in error for error in page.console_errors)
    page.console_errors.clear()
