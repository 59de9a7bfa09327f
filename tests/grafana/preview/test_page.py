"""The page around the panels: what a reader chooses is in the URL, and every panel follows it."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from proofs.harness.browser import DashboardView
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from tests.grafana.preview.conftest import OpenDashboard
from tests.grafana.preview.history import LENGTH
from tests.grafana.preview.prometheus import SyntheticPrometheus

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium", "prometheus", "promtool")]


@pytest.fixture(scope="module")
def shared(look_at: OpenDashboard) -> DashboardView:
    return look_at("other")


@pytest.fixture
def view(shared: DashboardView, preview: Server, prometheus: SyntheticPrometheus) -> DashboardView:
    """The page that all tests use, back where it began."""
    hour = f"from={(prometheus.end - LENGTH) * 1000}&to={prometheus.end * 1000}"
    shared.page.goto(f"{preview.url}/d/other?{hour}")
    shared.settle()
    return shared


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(str(page.evaluate("location.search.slice(1)")))


def drawn(view: DashboardView) -> list[str]:
    """The names of the series of the only graph."""
    plot = view.page.locator(".js-plotly-plot")
    names: list[str] = plot.evaluate(
        "plot => (plot._fullData || []).filter(t => t.mode !== 'markers').map(t => t.name)"
    )
    return sorted(names)


def variable(view: DashboardView, label: str) -> Locator:
    return view.page.get_by_role("group", name=label, exact=True)


def test_says_that_it_is_a_preview(view: DashboardView) -> None:
    assert "Preview of the Grafana dashboards" in view.page.locator("header.topbar").inner_text()
    assert view.page.title() == "Other - preview"


def test_choosing_a_value_narrows_queries_titles_and_dependent_variables(view: DashboardView) -> None:
    assert len(drawn(view)) == 3
    variable(view, "Queue").get_by_role("button").click()
    view.page.get_by_role("option", name="mail").click()
    view.page.keyboard.press("Escape")

    wait_until(lambda: drawn(view) == ["mail"], "one series")

    assert query(view.page)["var-queue"] == ["mail"]
    assert view.panels[0].title == "Depth of mail"
    variable(view, "Waiting").get_by_role("button").click()
    expect(view.page.locator(".dash-dropdown-content [role=option]")).to_have_text(["All", "mail"])
    view.page.keyboard.press("Escape")


def test_several_values_and_back_to_all(view: DashboardView) -> None:
    variable(view, "Queue").get_by_role("button").click()
    for name in ("mail", "reports"):
        view.page.get_by_role("option", name=name).click()
    wait_until(lambda: drawn(view) == ["mail", "reports"], "two series")
    view.page.get_by_role("option", name="All").click()
    wait_until(lambda: len(drawn(view)) == 3, "all series")
    assert query(view.page)["var-queue"] == ["$__all"]


def test_url_chooses_as_in_grafana(view: DashboardView, preview: Server) -> None:
    view.page.goto(view.page.url + "&var-queue=reports")
    view.settle()
    wait_until(lambda: drawn(view) == ["reports"], "the chosen series")
    expect(variable(view, "Queue")).to_contain_text("reports")


def test_dashboards_are_a_menu_away_with_variables_and_time(
    view: DashboardView, prometheus: SyntheticPrometheus
) -> None:
    view.page.goto(view.page.url + "&var-queue=mail")
    view.settle()
    view.page.locator(".links summary").press("Enter")
    view.page.get_by_role("link", name="All types").press("Enter")

    view.page.wait_for_url("**/d/all-types?**")
    wait_until(lambda: len(view.panels) > 3, "the panels of the other dashboard")
    view.settle()

    assert query(view.page)["var-queue"] == ["mail"]
    assert query(view.page)["to"] == [str(prometheus.end * 1000)]
    assert view.panel("Wait").text.split() == ["4.20", "ms"]

    view.page.go_back()
    wait_until(lambda: [panel.title for panel in view.panels] == ["Depth of mail"], "the first dashboard")


def test_quick_ranges_are_chosen_by_keyboard(view: DashboardView) -> None:
    view.page.locator("#time-picker summary").press("Enter")
    view.page.get_by_role("button", name="Last 3 hours").press("Enter")
    expect(view.page.locator("#time-label")).to_have_text("Last 3 hours")
    assert (query(view.page)["from"], query(view.page)["to"]) == (["now-3h"], ["now"])


def test_absolute_range_is_read_in_the_time_zone_of_the_browser(view: DashboardView) -> None:
    view.page.locator("#time-picker summary").click()
    view.page.locator("#time-from").fill("2026-01-31 12:00:00")
    view.page.locator("#time-to").fill("2026-01-31 13:30:00")
    view.page.get_by_role("button", name="Apply time range").click()
    expect(view.page.locator("#time-label")).to_have_text("2026-01-31 12:00:00 to 2026-01-31 13:30:00")
    assert query(view.page)["from"] == ["1769840100000"]  # 06:15 UTC: Kathmandu is 05:45 ahead
    wait_until(lambda: view.panels[0].text == "No data", "a range without data")


def test_time_axis_is_in_the_time_zone_of_the_browser(
    view: DashboardView, prometheus: SyntheticPrometheus
) -> None:
    labels = view.page.locator(".xtick text").all_text_contents()
    minutes = {int(label.split(":")[1]) % 15 for label in labels}
    assert minutes == {0}
    first = sum(int(part) * size for part, size in zip(labels[0].split(":"), (60, 1), strict=True))
    begins = (prometheus.end - LENGTH) // 60 + 5 * 60 + 45
    assert 0 <= (first - begins) % (24 * 60) <= 20


def test_dragging_over_a_graph_chooses_that_time(
    view: DashboardView, prometheus: SyntheticPrometheus
) -> None:
    box = view.page.locator(".nsewdrag").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    view.page.mouse.move(box["x"] + box["width"] / 4, middle)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] / 2, middle, steps=5)
    view.page.mouse.up()
    wait_until(lambda: query(view.page)["to"] != [str(prometheus.end * 1000)], "the zoomed range")
    start, end = (int(query(view.page)[name][0]) / 1000 - prometheus.end + LENGTH for name in ("from", "to"))
    assert start == pytest.approx(LENGTH / 4, abs=60)
    assert end == pytest.approx(LENGTH / 2, abs=60)


def test_odd_range_is_reported_and_the_dashboards_own_is_taken(view: DashboardView, preview: Server) -> None:
    view.page.goto(f"{preview.url}/d/other?from=<b>yesterday</b>&to=now")
    view.settle()
    problem = view.page.locator("#view-problems").inner_text()
    assert "expected a time" in problem
    assert "<b>yesterday</b>" in problem
    expect(view.page.locator("#time-label")).to_have_text("Last 1 hour")


def test_theme_is_in_the_url_and_in_every_color(view: DashboardView) -> None:
    def colors() -> tuple[str, str]:
        body = view.page.evaluate("getComputedStyle(document.body).backgroundColor")
        line: str = view.page.locator(".js-plotly-plot").evaluate("plot => plot._fullData[0].line.color")
        return str(body), line.lower()

    assert colors() == ("rgb(17, 18, 23)", "#73bf69")
    view.page.get_by_role("button", name="Theme").click()
    wait_until(lambda: colors() == ("rgb(244, 245, 245)", "#56a64b"), "the light theme")
    assert query(view.page)["theme"] == ["light"]


def test_legend_shows_one_series_alone(view: DashboardView) -> None:
    view.page.get_by_role("button", name="reports").press("Enter")
    wait_until(lambda: drawn(view) == ["reports"], "one series")
    view.page.get_by_role("button", name="reports").press("Enter")
    wait_until(lambda: len(drawn(view)) == 3, "all series again")


def test_header_of_a_table_sorts_it(look_at: OpenDashboard) -> None:
    view = look_at()
    table = view.page.locator('.panel[data-panel-title="Queues"] .table')
    table.get_by_role("button", name="Depth").press("Enter")
    expect(table.locator("tbody tr").first).to_contain_text("<img")
    expect(table.locator("th[aria-sort=ascending]")).to_have_text("Depth ↑")


def asks_for_a_panel(request: Request) -> bool:
    return '"type":"body"' in (request.post_data or "").replace("\\", "")


def test_refreshes_by_itself_when_asked_to(view: DashboardView) -> None:
    view.page.locator("#refresh-choice").select_option("5s")
    with view.page.expect_request(asks_for_a_panel):
        pass
    assert query(view.page)["refresh"] == ["5s"]


def test_button_refreshes_at_once(view: DashboardView) -> None:
    with view.page.expect_request(asks_for_a_panel):
        view.page.get_by_role("button", name="Refresh", exact=True).click()


def test_broken_file_is_named_with_its_fault(view: DashboardView) -> None:
    problem = view.page.locator(".problem", has_text="broken.json").inner_text()
    assert problem.startswith("broken.json is not a dashboard: Expecting")


def test_slow_query_keeps_only_its_own_panel_waiting(
    preview: Server, prometheus: SyntheticPrometheus, shared: DashboardView
) -> None:
    shared.page.goto(f"{preview.url}/d/slow?from=now-1h&to=now")
    both = """() => {
        const panel = title => document.querySelector(`.panel[data-panel-title="${title}"]`);
        const quick = panel("Quick") && panel("Quick").querySelector(".stat-number");
        return quick && quick.textContent === "42" && panel("Slow").dataset.state === "loading";
    }"""
    wait_until(lambda: shared.page.evaluate(both), "Quick to be drawn while Slow waits", every=0.01)
    shared.page.goto("about:blank")


def test_dead_prometheus_is_one_banner_and_heals_by_itself(
    view: DashboardView, prometheus: SyntheticPrometheus
) -> None:
    banner = view.page.locator("#banner [role=alert]")
    prometheus.stop()
    try:
        expect(banner).to_contain_text(
            f"{prometheus.url} does not answer: connection refused", timeout=15_000
        )
        view.page.get_by_role("button", name="Refresh", exact=True).click()
        wait_until(lambda: view.panels[0].state == "error", "the panel to say so")
        assert view.panels[0].text == "Prometheus does not answer: connection refused or broken"
    finally:
        prometheus.start()
    expect(banner).to_have_count(0, timeout=15_000)
    wait_until(lambda: view.panels[0].state == "data", "the data to come back")
    assert len(drawn(view)) == 3
