"""What each page shows."""

from __future__ import annotations

import re

import pytest
from redis import Redis
from rq import Queue

from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from tests.harness.web import Operator
from tests.harness.workers import StartWorker
from tests.rq_mon.web.jobs import charge, refund


def test_the_page_of_queues_shows_their_jobs_by_state(operator: Operator, redis_client: Redis) -> None:
    for number in range(3):
        Queue("mail", connection=redis_client).enqueue(refund, number)
    Queue("bills", connection=redis_client).enqueue(charge, "4711")
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)

    page = operator.get("/")

    assert 'href="/queue?name=mail&amp;state=queued">3</a>' in page
    assert 'href="/queue?name=bills&amp;state=failed">1</a>' in page


def test_queues_are_searched_by_name(operator: Operator, redis_client: Redis) -> None:
    for name in ("mail", "bills"):
        Queue(name, connection=redis_client).enqueue(refund, 1)

    page = operator.get("/", q="AIL")

    assert "name=mail" in page
    assert "name=bills" not in page


def test_a_failed_job_is_shown_with_its_traceback_but_without_its_arguments(
    operator: Operator, redis_client: Redis
) -> None:
    job = Queue("bills", connection=redis_client).enqueue(charge, "4711", description="a charge")
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)

    page = operator.get("/job", id=job.id)

    assert "card 4711 was refused" in page
    assert "Traceback (most recent call last)" in page
    assert "&#39;4711&#39;" not in page
    assert "&#39;4711&#39;" in operator.get("/job", id=job.id, arguments="shown")


def test_jobs_of_a_queue_are_shown_by_state_and_search(operator: Operator, redis_client: Redis) -> None:
    queue = Queue("bills", connection=redis_client)
    ids = [queue.enqueue(charge, card, job_id=f"job-{card}").id for card in ("one", "two", "three")]
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)

    everything = operator.get("/queue", name="bills", state="failed")
    found = operator.get("/queue", name="bills", state="failed", q="TWO was")

    assert all(each in everything for each in ids)
    assert [each for each in ids if each in found] == ["job-two"]


def test_failures_are_shown_in_groups(operator: Operator, redis_client: Redis) -> None:
    queue = Queue("bills", connection=redis_client)
    for card in ("one", "two"):
        queue.enqueue(charge, card)
    queue.enqueue("tests.rq_mon.web.jobs.missing")
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)

    page = operator.get("/failures")

    assert 'exception=ValueError">2</a>' in page
    assert "tests.rq_mon.web.jobs.missing" in page
    assert "3 failed jobs read" in page


def test_runbooks_link_to_each_other_and_to_no_file(operator: Operator) -> None:
    page = operator.get("/runbooks/RQQueueStalled")

    assert '<a href="/runbooks/RQWorkersLost">' in page
    links = re.findall(r'<a href="([^"]*)"', operator.get("/runbooks/") + page)
    assert [link for link in links if not link.startswith(("/", "#", "http://127.0.0.1:"))] == []
    for name in {link.partition("#")[0] for link in links if link.startswith("/runbooks/R")}:
        operator.get(name)
    operator.get("/runbooks/RQNoSuchAlert", expected=404)
    operator.get("/runbooks/..%2F..%2Fpasswd", expected=404)


def test_workers_are_shown_with_their_jobs(operator: Operator, start_worker: StartWorker) -> None:
    start_worker("mail", name="ann")
    start_worker("bills", "mail", name="bob")

    everyone, of_bills = operator.get("/workers"), operator.get("/workers", queue="bills")

    assert "ann" in everyone
    assert "bob" in everyone
    assert "bob" in of_bills
    assert "ann" not in of_bills


@pytest.mark.parametrize("path", ["/job", "/queue"])
def test_a_missing_job_or_queue_is_reported(operator: Operator, redis_client: Redis, path: str) -> None:
    page = operator.get(path, expected=404)

    assert "Expected" in page or "no job" in page


def test_an_unknown_state_is_refused_by_name(operator: Operator) -> None:
    assert "got &#39;lost&#39;" in operator.get("/queue", expected=404, name="mail", state="lost")


def test_an_invalid_cursor_is_refused_by_name(operator: Operator) -> None:
    page = operator.get("/queue", expected=400, name="mail", state="queued", cursor="mine")

    assert "&#39;mine&#39;" in page
