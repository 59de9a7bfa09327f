"""The dashboards in Grafana itself, provisioned as in the stack, if its image is available."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import BrowserContext, expect

from proofs.harness.boards import BOARDS, PANEL_QUERIES, Asked, Json, interpolate
from proofs.harness.browser import open_browser
from proofs.harness.compose_stack import ComposeStack
from proofs.harness.waiting import wait_until
from stack.compose.docker import Docker
from stack.compose.images import fetch, image_of
from stack.services import GRAFANA
from tests.harness.drawn_text import record_drawn_text
from tests.harness.legible import AROUND_PANELS, hidden_cells, reading_faults
from tests.stack.compose.test_files import DEFINITIONS

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=0.5), pytest.mark.needs("chromium")]

RANGE = 900
SOURCE = {"type": "prometheus", "uid": "prometheus"}
PANEL_ERROR = "[data-testid='data-testid Panel status error']"


@pytest.fixture(scope="module")
def image(engine: None) -> None:
    image = image_of(DEFINITIONS[GRAFANA.name])
    assert image is not None
    if not fetch(Docker(os.environ), image.reference(os.environ)):
        pytest.skip("Grafana's image is not available here")


@pytest.fixture(scope="module")
def grafana(image: None, stack: ComposeStack) -> str:
    """The address of Grafana."""
    return stack.url(GRAFANA)


@pytest.fixture(scope="module")
def browser_context() -> Iterator[BrowserContext]:
    with open_browser() as browser:
        context = browser.new_context()
        record_drawn_text(context)
        yield context


def ask(address: str, body: Json | None = None) -> object:
    data = json.dumps(body).encode() if body else None
    request = Request(address, data, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_every_dashboard_is_provisioned(grafana: str) -> None:
    def uids() -> set[str]:
        found = ask(f"{grafana}/api/search?type=dash-db")
        assert isinstance(found, list)
        return {board["uid"] for board in found}

    wait_until(lambda: uids() == BOARDS.keys(), "the dashboards in Grafana")


@pytest.mark.parametrize("query", PANEL_QUERIES, ids=str)
def test_grafana_answers_the_query_of_every_panel(grafana: str, query: Asked) -> None:
    expr = interpolate(query, RANGE)
    kind = {"instant": query.instant, "range": not query.instant}
    asked = {
        "refId": "A",
        "datasource": SOURCE,
        "expr": expr,
        "intervalMs": 5000,
        "maxDataPoints": 180,
        **kind,
    }

    answer = ask(f"{grafana}/api/ds/query", {"queries": [asked], "from": f"now-{RANGE}s", "to": "now"})

    assert isinstance(answer, dict)
    assert "error" not in answer["results"]["A"], answer


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_of_grafana_can_be_read(
    grafana: str, browser_context: BrowserContext, uid: str, theme: str, width: int
) -> None:
    page = browser_context.new_page()
    page.set_viewport_size({"width": width, "height": 4000})  # panels load when they scroll into view

    page.goto(f"{grafana}/d/{uid}?theme={theme}&from=now-{RANGE}s&to=now")

    expect(page.get_by_text(BOARDS[uid]["title"], exact=True).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(PANEL_ERROR)).to_have_count(0)
    # Around the panels is Grafana's own page, and what its console says to someone who has not logged in.
    assert [fault for fault in reading_faults(page) if not fault.startswith(AROUND_PANELS)] == []
    assert hidden_cells(page) == []
    page.close()
