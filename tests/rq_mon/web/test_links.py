"""Each page links to the dashboard that shows the same; links to a page work after the login, too."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job

from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from tests.harness.web import PASSWORD, Operator, running_web
from tests.rq_mon.web.jobs import charge

GRAFANA = "https://grafana.example/g"
QUEUE = "bills & more"
FUNCTION = "tests.rq_mon.web.jobs.charge"
HOUR = 3600


@pytest.fixture(scope="module")
def linked(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"GRAFANA_URL": GRAFANA}
    with running_web(tmp_path_factory.mktemp("web"), redis_server.url, settings) as server:
        yield server


@pytest.fixture
def reader(linked: Server, redis_client: Redis) -> Operator:
    who = Operator(linked.url)
    assert who.log_in().status_code == 200
    return who


@pytest.fixture
def failed(redis_client: Redis) -> Job:
    """A job that ran for a minute two hours ago."""
    job = Queue(QUEUE, connection=redis_client).enqueue(charge, "4711")
    MonitoredSimpleWorker([QUEUE], connection=redis_client).work(burst=True)
    began = datetime.fromtimestamp(time.time() - 2 * HOUR, UTC)
    for field, at in (("started_at", began.timestamp()), ("ended_at", began.timestamp() + 60)):
        text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        redis_client.hset(job.key, field, text)
    return job


def to_grafana(page: str) -> tuple[str, dict[str, str]]:
    """The dashboard that a page links to, and its variables."""
    (link,) = re.findall(r'class="grafana" href="([^"]*)"', page)
    parts = urlsplit(unescape(link))
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_a_job_links_to_its_function_at_the_time_of_its_run(reader: Operator, failed: Job) -> None:
    path, chosen = to_grafana(reader.get("/job", id=failed.id))

    assert path == "/g/d/rq-job-function"
    assert (chosen["var-queue"], chosen["var-function"]) == (QUEUE, FUNCTION)
    began = time.time() - 2 * HOUR
    assert began - HOUR < int(chosen["from"]) / 1000 < began
    assert began < int(chosen["to"]) / 1000 < began + HOUR


def test_a_job_that_has_not_ended_links_to_now(reader: Operator, redis_client: Redis) -> None:
    job = Queue(QUEUE, connection=redis_client).enqueue(charge, "4711")

    _, chosen = to_grafana(reader.get("/job", id=job.id))

    assert chosen["to"] == "now"
    assert time.time() - HOUR < int(chosen["from"]) / 1000 < time.time()


@pytest.mark.parametrize(
    ("page", "query", "dashboard", "chosen"),
    [
        ("/", {}, "rq-overview", {}),
        ("/queue", {"name": QUEUE, "state": "queued"}, "rq-queue-depth", {"queue": QUEUE}),
        ("/queue", {"name": QUEUE, "state": "failed"}, "rq-failures", {"queue": QUEUE}),
        (
            "/queue",
            {"name": QUEUE, "state": "failed", "function": FUNCTION},
            "rq-job-function",
            {"queue": QUEUE, "function": FUNCTION},
        ),
        ("/running", {}, "rq-workers", {}),
        ("/workers", {"queue": QUEUE}, "rq-workers", {"queue": QUEUE}),
        ("/cron", {}, "rq-cron", {}),
    ],
)
def test_a_page_links_to_the_dashboard_that_shows_the_same(
    reader: Operator, failed: Job, page: str, query: dict[str, str], dashboard: str, chosen: dict[str, str]
) -> None:
    path, given = to_grafana(reader.get(f"{page}?{urlencode(query)}"))

    assert path == f"/g/d/{dashboard}"
    assert given == {f"var-{name}": value for name, value in chosen.items()}


def test_failures_link_to_their_dashboard_since_the_first_of_them(reader: Operator, failed: Job) -> None:
    path, chosen = to_grafana(reader.get("/failures", queue=QUEUE))

    assert path == "/g/d/rq-failures"
    assert chosen["var-queue"] == QUEUE
    assert chosen["to"] == "now"
    assert int(chosen["from"]) / 1000 < time.time()


def test_without_grafana_no_page_links_to_it(operator: Operator, failed: Job) -> None:
    for page in ("/", "/failures", "/running", "/workers", "/cron"):
        assert "grafana" not in operator.get(page)
    assert "grafana" not in operator.get("/job", id=failed.id)


def test_a_link_from_a_dashboard_opens_its_job_after_the_login(linked: Server, failed: Job) -> None:
    stranger = Operator(linked.url)
    asked = stranger.get("/job", id=failed.id)
    assert "Traceback" not in asked

    page = stranger.press(asked, "/login", user="rq-mon", password=PASSWORD)

    assert failed.id in page
    assert "card 4711 was refused" in page
