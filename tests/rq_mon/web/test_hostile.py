"""Hostile texts in all places, in a real browser: no page runs one, and each page shows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Request
from redis import Redis

from proofs.harness.browser import open_browser
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from rq_mon.web.links import link
from tests.harness.web import PASSWORD, running_web
from tests.rq_mon.web.hostile import NOT_UTF8, RAW, TEXTS, write_hostile

pytestmark = [pytest.mark.e2e(seconds=4), pytest.mark.needs("redis-server", "chromium")]

LISTS = ("/", "/failures", "/running", "/workers", "/cron", "/runbooks/", "/runbooks/RQQueueStalled")
SOME = (RAW[0], RAW[2], *RAW[11:15], NOT_UTF8)
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as redis:
        write_hostile(Redis.from_url(redis.url))
        settings = {"GRAFANA_URL": "http://127.0.0.1:3000"}
        with running_web(tmp_path_factory.mktemp("web"), redis.url, settings) as server:
            yield server


@pytest.fixture(scope="module")
def context(server: Server) -> Iterator[BrowserContext]:
    with open_browser() as browser:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{server.url}/")
        page.fill("#password", PASSWORD)
        page.click("button.main")
        page.wait_for_selector("h1:text('Queues')")
        page.close()
        yield context


class Look:
    """A page of the browser, and everything that should not have happened on it."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.page: Page = context.new_page()
        self.server = server
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        self.page.on("requestfailed", self._note_failure)

    def _note_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # that is leaving a page before its icon is there
            self.wrong.append(f"{request.failure}: {request.url}")

    def at(self, path: str) -> None:
        answer = self.page.goto(f"{self.server.url}{path}")
        assert answer is not None
        assert answer.ok, (path, answer.status)
        self.check(path)

    def read_on(self) -> None:
        """Read on until all failures are read. A page reads for 0.4 s, which is little on a busy machine."""
        while path := self.page.evaluate("document.querySelector('a.more')?.getAttribute('href')"):
            self.at(path)

    def check(self, path: str) -> None:
        assert self.page.url.startswith(f"{self.server.url}/"), (path, self.page.url)
        assert self.page.evaluate("window.hacked") is None, path
        assert self.page.locator("script, iframe, main style, main svg, main img, [onerror]").count() == 0, (
            path
        )
        assert self.page.locator("a[href^='javascript:' i]").count() == 0, path
        assert self.wrong == [], path
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


@pytest.fixture
def look(context: BrowserContext, server: Server) -> Iterator[Look]:
    look = Look(context, server)
    yield look
    look.page.close()


@pytest.mark.parametrize("path", LISTS)
def test_no_list_runs_a_hostile_text(look: Look, path: str) -> None:
    look.at(path)


@pytest.mark.parametrize("path", ["/", "/failures", "/running", "/workers", "/cron"])
def test_lists_show_hostile_texts_as_text(look: Look, path: str) -> None:
    look.at(path)
    look.read_on()

    shown = look.page.locator("main").inner_text()
    for text in TEXTS[:9]:
        assert text in shown, (path, text)
    assert "\\u202eesrever" in shown
    assert "\u202e" not in shown
    assert path == "/cron" or "\\xff\\xfe<b>raw</b>\\x00" in shown


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: repr(raw[:20]))
def test_no_page_of_a_queue_or_job_runs_a_hostile_text(look: Look, raw: bytes) -> None:
    for state in ("failed", "started", "queued"):
        look.at(link("/queue", name=raw, state=state))
    assert look.page.locator("h1").inner_text()
    look.at(link("/queue", name=raw, state="failed", q=raw, function=raw, exception=raw, id=raw))
    look.at(link("/job", id=raw))
    look.at(link("/job", id=raw, arguments="shown"))
    look.at(link("/job", id=b"run-" + raw))
    look.at(link("/failures", queue=raw))
    look.at(link("/workers", queue=raw, q=raw))
    look.at(link("/cron", q=raw))


@pytest.mark.parametrize("raw", SOME, ids=lambda raw: repr(raw[:20]))
def test_every_link_of_a_list_opens_its_own_job(look: Look, raw: bytes) -> None:
    look.at(link("/queue", name=raw, state="failed"))
    look.page.locator("td.name a").first.click()

    look.page.wait_for_selector("p.id")
    look.check("link")
    title = look.page.locator("p.id").inner_text()
    assert title[:20] == "".join(_shown(raw))[:20]


@pytest.mark.parametrize("raw", SOME, ids=lambda raw: repr(raw[:20]))
def test_a_confirmation_names_the_job_and_only_then_it_is_changed(look: Look, raw: bytes) -> None:
    look.at(link("/job", id=raw))
    look.page.click("text=Requeue")
    look.page.wait_for_selector("form.confirm")
    look.check("question")
    assert "Requeue 1 failed job?" in look.page.locator("h1").inner_text()

    look.at(link("/job", id=b"run-" + raw))
    look.page.click("text=Stop")
    look.page.wait_for_selector("form.confirm")
    look.check("question")


def test_a_group_of_hostile_names_is_requeued(look: Look, server: Server) -> None:
    raw = TEXTS[0].encode()
    look.at(link("/failures", queue=raw))
    look.page.click("text=Requeue")
    look.page.click("form.confirm button")
    look.page.wait_for_selector("h1:text('1 job requeued')")
    look.check("requeued")

    look.at(link("/queue", name=raw, state="queued"))
    assert look.page.locator("td.name").count() == 1


def _shown(raw: bytes) -> Iterator[str]:
    text = raw.decode(errors="backslashreplace")
    for each in text:
        yield each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
