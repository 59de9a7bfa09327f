"""From which jobs failed, and why, to running them again: with the mouse, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from redis import Redis

from proofs.harness.browser import open_browser
from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.servers import Server
from proofs.job_page_pictures import log_in, take_picture
from tests.harness.web import PASSWORD

pytestmark = pytest.mark.slow

SECONDS = 30_000
"""Milliseconds that a page may take on a busy machine."""


def test_three_clicks_show_which_jobs_failed_and_why_and_run_them_again(
    web: Server, redis_client: Redis, tmp_path: Path
) -> None:
    fail_jobs(redis_client, queue="mail", jobs=2)
    fail_jobs(redis_client, "no.such.function", queue="bills")

    with open_browser() as browser:
        context = log_in(browser, web.url, PASSWORD, theme="light", width=1280)
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        page.goto(f"{web.url}/failures")
        row = _row_of(page)

        row.get_by_text("no such order").click()
        expect(page.locator("pre.traceback")).to_contain_text('raise ValueError("no such order")')
        page.go_back()
        row.get_by_role("button", name="Requeue").click()
        expect(page.locator("h1")).to_have_text("Requeue 2 failed jobs?")
        assert redis_client.llen("rq:queue:mail") == 0
        page.get_by_role("button", name="Requeue 2 jobs").click()

        expect(page.locator("h1")).to_have_text("2 jobs requeued")
        assert redis_client.llen("rq:queue:mail") == 2
        take_picture(context, f"{web.url}/failures", tmp_path / "failures.png")
        assert (tmp_path / "failures.png").read_bytes().startswith(b"\x89PNG")


def _row_of(page: Page) -> Locator:
    return page.locator("tbody tr", has_text="mail")
