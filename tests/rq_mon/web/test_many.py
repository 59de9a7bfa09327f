"""With 200,000 failed jobs, 1,000 queues and 1,000 workers each page takes little CPU time and memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import psutil
import pytest
from redis import Redis

from proofs.harness.many_jobs import fail_many, list_queues, register_workers
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from tests.harness.web import Operator, running_web

pytestmark = [pytest.mark.e2e(seconds=80), pytest.mark.needs("redis-server")]

JOBS = 200_000
QUEUES = WORKERS = 1000

CPU_SECONDS = 1.0
"""A page's limit for the server's process, which reads for 0.4 s; a busy machine needs longer."""
MEGABYTES = 80


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as redis:
        client = Redis.from_url(redis.url)
        fail_many(client, JOBS, QUEUES)
        list_queues(client, QUEUES)
        register_workers(client, WORKERS)
        with running_web(tmp_path_factory.mktemp("web"), redis.url) as server:
            yield server


def test_each_page_takes_little_cpu_time_and_memory(server: Server) -> None:
    operator = Operator(server.url)
    operator.log_in()
    process = psutil.Process(server.process.pid)
    took: dict[str, float] = {}

    def cpu() -> float:
        times = process.cpu_times()
        return times.user + times.system

    def get(path: str, query: dict[str, str] | None = None) -> str:
        began = cpu()
        page = operator.get(f"{path}?{urlencode(query)}" if query else path)
        took[f"{path} {query or ''}"] = cpu() - began
        return page

    get("/")
    get("/", {"page": "9"})
    failed = get("/queue", {"name": "queue-0000", "state": "failed"})
    link = re.search(r'href="(/queue[^"]*cursor=[^"]*)"', failed)
    assert link
    get(link[1].replace("&amp;", "&"))
    found = get("/queue", {"name": "queue-0000", "state": "failed", "q": "no such text"})
    failures = get("/failures")
    get("/failures", {"queue": "queue-0001"})
    get("/job", {"id": "job-000001"})
    get("/running")
    get("/workers")
    get("/cron")

    print("\n".join(f"{seconds:.2f} s of CPU: {path}" for path, seconds in took.items()))
    assert max(took.values()) < CPU_SECONDS, took
    assert re.search(r"[\d,]+ of 100,\d+ read", found)
    assert re.search(r"[\d,]+ of 200,000 read", failures)
    assert "refresh" not in failures
    assert '<meta http-equiv="refresh" content="0; url=/failures?scan=' in get("/failures", {"all": "yes"})
    memory = process.memory_info().rss / 1e6
    print(f"{memory:.0f} MB")
    assert memory < MEGABYTES


def test_following_the_link_to_more_finds_all_groups(server: Server) -> None:
    operator = Operator(server.url)
    operator.log_in()
    page, requests = operator.get("/failures", queue="queue-0000"), 1
    while link := re.search(r'class="more" href="([^"]*)"', page):
        page, requests = operator.get(link[1].replace("&amp;", "&")), requests + 1

    print(f"{requests} requests")
    counts = [int(text.replace(",", "")) for text in re.findall(r'exception=[^"]*">([\d,]+)</a>', page)]
    assert sum(counts) == JOBS // 2 + JOBS // 2 // QUEUES
    memory = psutil.Process(server.process.pid).memory_info().rss / 1e6
    assert memory < MEGABYTES
