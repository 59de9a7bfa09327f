"""Changes from the pages: confirmed, carried out, and logged."""

from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.servers import Server
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from tests.harness.web import Operator
from tests.rq_mon.web.jobs import charge


@pytest.fixture
def failed(redis_client: Redis) -> Queue:
    """Two failed charges, and one failure of another function."""
    queue = Queue("bills", connection=redis_client)
    for card in ("one", "two"):
        queue.enqueue(charge, card, job_id=card)
    queue.enqueue("tests.rq_mon.web.jobs.missing", job_id="other")
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)
    return queue


def test_a_group_is_requeued_after_confirmation(
    operator: Operator, failed: Queue, redis_client: Redis, web: Server
) -> None:
    page = operator.press(
        operator.get("/failures", queue="bills"),
        "/failed/requeue/confirm?queue=bills&function=tests.rq_mon.web.jobs.charge",
    )

    assert "Requeue 2 failed jobs?" in page
    assert failed.count == 0

    assert "2 jobs requeued" in operator.press(page, "/failed/requeue")
    assert sorted(failed.job_ids) == ["one", "two"]
    assert failed.failed_job_registry.get_job_ids() == ["other"]
    assert "rq-mon from 127.0.0.1: requeue: 2 failed jobs: queue 'bills'" in web.log
    assert redis_client.hgetall("rq:monitor:changes") == {b"requeue": b"2"}


def test_a_group_contains_only_one_function(operator: Operator, failed: Queue, redis_client: Redis) -> None:
    """`charge` is the end of the other function's path."""
    failed.enqueue("charge", job_id="short")
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)
    action = "/failed/requeue/confirm?queue=bills&function=charge&"

    page = operator.press(operator.get("/failures", queue="bills"), action)

    assert "Requeue 1 failed job?" in page
    assert "1 job requeued" in operator.press(page, "/failed/requeue")
    assert failed.job_ids == ["short"]


def test_one_job_is_deleted_after_confirmation(operator: Operator, failed: Queue) -> None:
    page = operator.press(operator.get("/job", id="two"), "/failed/delete/confirm")

    assert "Delete 1 failed job?" in page
    assert "1 job deleted" in operator.press(page, "/failed/delete")
    assert sorted(failed.failed_job_registry.get_job_ids()) == ["one", "other"]


def test_selected_jobs_are_requeued(operator: Operator, failed: Queue) -> None:
    listed = operator.get("/queue", name="bills", state="failed")
    page = operator.press(listed, "/failed/requeue/confirm", id="other")

    assert "1 job requeued" in operator.press(page, "/failed/requeue")
    assert failed.job_ids == ["other"]


def test_no_selected_job_does_not_mean_all_jobs(operator: Operator, failed: Queue) -> None:
    listed = operator.get("/queue", name="bills", state="failed")

    assert "No job is selected" in operator.press(listed, "/failed/requeue/confirm", expected=400)


def test_a_job_that_failed_again_meanwhile_is_left_alone(
    operator: Operator, failed: Queue, redis_client: Redis
) -> None:
    page = operator.press(operator.get("/job", id="two"), "/failed/requeue/confirm")
    failed.failed_job_registry.requeue("two")
    MonitoredSimpleWorker(["bills"], connection=redis_client).work(burst=True)

    assert "0 jobs requeued" in operator.press(page, "/failed/requeue")
    assert failed.count == 0
