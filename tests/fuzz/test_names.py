"""Hostile names of queues, functions and exceptions: from enqueue to worker, metrics, PromQL and pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import BrowserContext, Page
from redis import Redis
from rq import Queue

from grafana.__main__ import GENERATED
from grafana.viewer.guards import LONGEST_QUERY_STRING
from proofs.harness.browser import DashboardView, open_browser
from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.prometheus import PrometheusServer
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.calls.arguments import check_queue_name
from rq_mon.catalogue import JOB_FAILURES, JOBS_PROCESSED, LONGEST_NAME
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from tests.fuzz.tried import FACTOR, TRIED
from tests.harness.viewer import running_viewer

pytestmark = [pytest.mark.e2e(seconds=2), pytest.mark.needs("redis-server", "prometheus", "chromium")]

WORST = [
    'quote"',
    "line\nfeed",
    "${queue} $__all [[x]] {{y}}",
    "%2F..%2f?&#/",
    "<script>window.hacked=1</script>",
    "it's",
    "back\\slash",
    "a{b=~}c",
    '<img src=x onerror="window.hacked=1">',
    "javascript:window.hacked=1",
    "ü🙂\u2028\u202e",
    "rq:queue:rq:queue:",
    ".+|.*",
    "x" * 10_000,
    "<b>" * 3_000,
]
RANDOM = 5


def random_names(count: int) -> list[str]:
    """Names from hypothesis, the same in every run except in `make fuzz`."""
    found: list[str] = []
    text = st.text(st.characters(codec="utf-8", exclude_characters=",\0"), min_size=1, max_size=60)

    @settings(
        max_examples=count, derandomize=FACTOR == 1, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(text)
    def collect(name: str) -> None:
        if name.strip():
            found.append(name)

    collect()
    return found


NAMES = sorted({*WORST, *random_names(RANDOM * FACTOR)})
IN_AN_ADDRESS = [name for name in NAMES if len(quote(name)) < LONGEST_QUERY_STRING // 4]
"""Names short enough to be in a URL three times."""


@dataclass(frozen=True)
class Monitored:
    """The services that monitor the jobs with those names."""

    exporter: Exporter
    prometheus: PrometheusServer

    def now(self, expression: str) -> float:
        """The value of an expression with one series; 0 if it has none."""
        answer = self.prometheus.ask("query", query=expression)["result"]
        assert len(answer) <= 1, answer
        return float(answer[0]["value"][1]) if answer else 0.0


def fail_as(exception: str) -> None:
    """Raise an exception whose class has this name."""
    raise type(exception, (Exception,), {})("failed on purpose")


def run_jobs(client: Redis) -> None:
    """For each name, in its queue: a job that succeeds, one that fails, one whose module is missing."""
    for name in NAMES:
        queue = Queue(check_queue_name(name), connection=client)
        queue.enqueue("builtins.len", "x")
        queue.enqueue(fail_as, name)
        queue.enqueue(name)
        TRIED["names"] += 3
    worker = MonitoredSimpleWorker([Queue(name, connection=client) for name in NAMES], connection=client)
    worker.work(burst=True, logging_level="CRITICAL")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server, Redis.from_url(server.url) as client:
        run_jobs(client)
        yield server.url


@pytest.fixture(scope="module")
def monitored(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    folder = tmp_path_factory.mktemp("monitor")
    with running_exporter(redis_url, folder) as exporter, scraping(exporter, folder) as prometheus:
        wait_until(
            lambda: prometheus.ask("query", query=JOBS_PROCESSED.name)["result"], "samples in Prometheus"
        )
        yield Monitored(exporter, prometheus)


@contextmanager
def scraping(exporter: Exporter, folder: Path) -> Iterator[PrometheusServer]:
    target = {"job_name": "rq-exporter", "static_configs": [{"targets": [exporter.address]}]}
    configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [target]}
    with PrometheusServer(folder / "prometheus", json.dumps(configuration)) as prometheus:
        yield prometheus


def number(place: int, title: str, metric: str, label: str) -> dict[str, Any]:
    """A panel with one number: the sum of a metric where a label has the chosen value."""
    # A late scrape ends a series until the next one.
    expr = f'sum(last_over_time({metric}{{{label}=~"${label}"}}[1h]))'
    target = {"refId": "A", "expr": expr, "instant": True}
    return {
        "id": place + 1,
        "type": "stat",
        "title": title,
        "gridPos": {"x": 8 * place, "y": 0, "w": 8, "h": 4},
        "targets": [target],
        "fieldConfig": {"defaults": {}, "overrides": []},
    }


def choice(label: str, metric: str) -> dict[str, Any]:
    query = f"label_values({metric}, {label})"
    return {"name": label, "type": "query", "query": query, "multi": True, "includeAll": True}


CHOSEN = {
    "uid": "chosen",
    "title": "Chosen",
    "tags": [],
    "time": {"from": "now-1h", "to": "now"},
    "links": [],
    "annotations": {"list": []},
    "templating": {
        "list": [
            choice("queue", JOBS_PROCESSED.name),
            choice("function", JOBS_PROCESSED.name),
            choice("exception", JOB_FAILURES.name),
        ]
    },
    "panels": [
        number(0, "Of the queue", JOBS_PROCESSED.name, "queue"),
        number(1, "Of the function", JOBS_PROCESSED.name, "function"),
        number(2, "Of the exception", JOB_FAILURES.name, "exception"),
    ],
}
"""Selects a queue, a function and an exception as the dashboards do."""


@pytest.fixture(scope="module")
def viewer_url(
    monitored: Monitored, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("viewer")
    boards = folder / "boards"
    shutil.copytree(GENERATED, boards)
    (boards / "chosen.json").write_text(json.dumps(CHOSEN), encoding="utf-8")
    with running_viewer(project_root, folder, monitored.prometheus.url, boards) as viewer:
        yield viewer.url


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with open_browser() as chromium:
        yield chromium.new_context()


@pytest.fixture(scope="module")
def view(viewer_url: str, browser: BrowserContext) -> DashboardView:
    """One page for everything that is looked at: a new one would compile the viewer's code again."""
    return DashboardView(browser.new_page(), viewer_url)


def test_no_job_is_lost_and_each_is_counted_once(monitored: Monitored) -> None:
    assert monitored.now(f"sum({JOBS_PROCESSED.name})") == 3 * len(NAMES)
    assert monitored.now(f'sum({JOBS_PROCESSED.name}{{outcome="success"}})') == len(NAMES)


def test_the_exporter_has_no_read_errors(monitored: Monitored) -> None:
    assert monitored.now("sum(rq_exporter_errors_total)") == 0


@pytest.mark.parametrize("uid", ["rq-overview", "rq-failures", "rq-durations", "rq-queue-depth"])
def test_dashboard_shows_names_as_text(view: DashboardView, uid: str) -> None:
    view.go(uid, {})

    assert view.console_errors == []
    assert not injected(view.page)


@pytest.mark.parametrize("name", IN_AN_ADDRESS, ids=lambda name: ascii(name[:20]))
def test_a_link_with_the_name_finds_only_its_own_jobs(view: DashboardView, name: str) -> None:
    chosen = {"var-queue": name, "var-function": name, "var-exception": name[:LONGEST_NAME]}
    view.go("chosen", chosen)

    numbers = {panel.title: panel.text.split()[-1] for panel in view.panels}
    assert numbers == {"Of the queue": "3", "Of the function": "1", "Of the exception": "1"}
    assert view.console_errors == []
    assert not injected(view.page)


def injected(page: Page) -> bool:
    """Whether any name became markup, or was executed."""
    return bool(
        page.evaluate(
            """() => window.hacked !== undefined
            || document.querySelector('img[src="x"], [onerror], a[href^="javascript:"]') !== null
            || [...document.scripts].some(script => script.textContent.includes("hacked"))"""
        )
    )
