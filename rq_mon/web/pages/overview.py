"""All queues."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, render_template
from rq.job import JobStatus
from rq.suspension import WORKERS_SUSPENDED

from rq_mon.state.queues import ALL_STATUSES, read_queues
from rq_mon.state.workers import read_worker_hashes
from rq_mon.web.links import asked
from rq_mon.web.paging import page_of
from rq_mon.web.site import site

blueprint = Blueprint("overview", __name__)

SUMMED = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.SCHEDULED, JobStatus.DEFERRED, JobStatus.FAILED)


@blueprint.get("/")
def overview() -> str:
    """Show every queue with its jobs by state and its workers."""
    here, now, wanted = site(), site().now(), asked("q")
    found = here.read(queues=read_queues(here.errors, now), workers=read_worker_hashes(here.errors))
    live = [worker for worker in found["workers"] if worker.is_live]
    listening = Counter(queue for worker in live for queue in set(worker.queues))
    queues = sorted(found["queues"].items())
    return render_template(
        "overview.html",
        queues=page_of([(name, queue) for name, queue in queues if wanted.lower() in name.lower()]),
        statuses=ALL_STATUSES,
        totals={each.value: sum(queue.jobs[each] or 0 for _, queue in queues) for each in SUMMED},
        number_of_queues=len(queues),
        listening=listening,
        live=live,
        busy=sum(worker.state == "busy" for worker in live),
        is_suspended=bool(here.connection.exists(WORKERS_SUSPENDED)),
        wanted=wanted,
    )
