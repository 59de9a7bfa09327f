"""The running jobs, and stopping one."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, render_template, request

from rq_mon.changes import log_change
from rq_mon.jobs.stopping import stop
from rq_mon.state.running_jobs import RunningJob, running_jobs_of
from rq_mon.state.workers import WorkerFacts, read_workers
from rq_mon.web.links import asked, from_form
from rq_mon.web.login import who
from rq_mon.web.paging import Page, page_of
from rq_mon.web.site import site

blueprint = Blueprint("running", __name__)

ENDED = "This job is not running: it has ended."
NO_WORKER = (
    "The worker of this job does not answer. If it is dead, another worker of the queue fails or retries "
    "the job within minutes."
)


@blueprint.get("/running")
def running() -> str:
    """Show the running jobs, the longest running first."""
    wanted, workers = asked("q").lower(), _busy_workers()
    if not wanted:  # the functions of those on other pages need not be read
        page = page_of(workers)
        jobs = Page(running_jobs_of(site().connection, page.rows), page.number, page.total)
    else:
        jobs = page_of([job for job in running_jobs_of(site().connection, workers) if _has(job, wanted)])
    return render_template("running.html", jobs=jobs, wanted=asked("q"), now=site().now())


@blueprint.post("/running/stop/confirm")
def confirm() -> str:
    """Show the job that would be stopped."""
    job_id = from_form(request.form.get("id", ""))
    raw_id = job_id.encode(errors="surrogateescape")
    workers = [worker for worker in _busy_workers() if worker.job_id == raw_id]
    if not workers:
        abort(HTTPStatus.NOT_FOUND, ENDED)
    (job, *_) = running_jobs_of(site().connection, workers)
    return render_template(
        "confirm_one.html",
        words="Stop this job",
        meaning="Its worker kills it now. It is listed as stopped, among failed jobs, and is not retried.",
        id=job.id,
        function=job.function,
        queue=job.queue,
        worker=job.worker,
        action="/running/stop",
        back="/running",
        is_dangerous=True,
    )


@blueprint.post("/running/stop")
def carry_out() -> str:
    """Stop a job."""
    job_id = from_form(request.form.get("id", ""))
    result = stop(site().connection, job_id)
    if result != "asked":
        abort(HTTPStatus.NOT_FOUND, NO_WORKER if result == "no-worker" else ENDED)
    log_change(who(), "stop", 1, f"job {job_id!r}")
    return render_template(
        "done_one.html",
        title="Asked the worker to stop 1 job",
        text="The job will be listed among the failed jobs of its queue.",
        job_id=job_id,
        back="/running",
    )


def _has(job: RunningJob, wanted: str) -> bool:
    return any(wanted in text.lower() for text in (job.id, job.function, job.queue, job.worker))


def _busy_workers() -> list[WorkerFacts]:
    """Return the live workers with a job, the longest running first."""
    here = site()
    found = here.read(workers=read_workers(here.errors))["workers"]
    busy = [(worker.job.started_at, worker) for worker in found if worker.is_live and worker.job]
    return [worker for _, worker in sorted(busy, key=lambda each: each[0])]
