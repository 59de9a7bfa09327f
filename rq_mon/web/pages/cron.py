"""All cron jobs, and their changes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, abort, render_template, request

from rq_mon.calls.serializers import FORMATS
from rq_mon.catalogue import TICK_RESULTS, OperatorAction
from rq_mon.changes import log_change
from rq_mon.cron.definition import CronJob, UnreadableDefinitionError
from rq_mon.cron.extra_run import enqueue_now
from rq_mon.cron.registry import CronRegistry
from rq_mon.state.cron import read_cron
from rq_mon.web.links import asked, from_form
from rq_mon.web.login import who
from rq_mon.web.paging import page_of
from rq_mon.web.site import site

blueprint = Blueprint("cron", __name__)


@dataclass(frozen=True, slots=True)
class Change:
    """The actions of an operator on a cron job."""

    words: str
    meaning: str
    done: str
    action: OperatorAction


CHANGES = {
    "run": Change(
        "Run this cron job now",
        "This enqueues one job, as a tick would. The schedule does not change, and a pause stays.",
        "1 job is enqueued",
        "cron_run",
    ),
    "pause": Change(
        "Pause this cron job",
        "It does not run until someone resumes it. Ticks during the pause do not run later.",
        "1 cron job is paused",
        "cron_pause",
    ),
    "resume": Change(
        "Resume this cron job", "It runs again from now on.", "1 cron job is resumed", "cron_resume"
    ),
}


@blueprint.get("/cron")
def cron() -> str:
    """Show the cron jobs with their last and next ticks."""
    here, now, wanted = site(), site().now(), asked("q").lower()
    facts = here.read(cron=read_cron(here.errors, now))["cron"]
    chosen = [
        (cron_job_id, job)
        for cron_job_id, job in sorted(facts.jobs.items())
        if any(wanted in text.lower() for text in (cron_job_id, job.function, job.queue))
    ]
    return render_template(
        "cron.html",
        cron_jobs=page_of(chosen),
        ticks=facts.ticks,
        results=TICK_RESULTS,
        schedulers=facts.live_schedulers,
        wanted=asked("q"),
        now=now,
    )


@blueprint.post("/cron/<action>/confirm")
def confirm(action: str) -> str:
    """Show the cron job that would be changed."""
    change, cron_job = _change(action), _cron_job(from_form(request.form.get("id", "")))
    return render_template(
        "confirm_one.html",
        words=change.words,
        meaning=change.meaning,
        id=cron_job.id,
        function=cron_job.function,
        queue=cron_job.queue_name,
        action=f"/cron/{action}",
        back="/cron",
    )


@blueprint.post("/cron/<action>")
def carry_out(action: str) -> str:
    """Change a cron job."""
    here, change = site(), _change(action)
    cron_job = _cron_job(from_form(request.form.get("id", "")))
    registry, job_id, is_done = CronRegistry(here.connection), None, True
    match action:
        case "pause":
            is_done = registry.pause(cron_job.id)
        case "resume":
            is_done = registry.resume(cron_job.id)
        case "run":
            format_ = FORMATS[here.settings.processes.serializer]
            job_id = enqueue_now(here.connection, cron_job, format_).id
    if is_done:
        log_change(who(), change.action, 1, f"cron job {cron_job.id!r}")
    return render_template(
        "done_one.html",
        title=change.done if is_done else "Nothing to change",
        text=f"{cron_job.function} in {cron_job.queue_name}",
        job_id=job_id,
        back="/cron",
    )


def _change(action: str) -> Change:
    if action not in CHANGES:
        abort(HTTPStatus.NOT_FOUND)
    return CHANGES[action]


def _cron_job(cron_job_id: str) -> CronJob:
    try:
        found = CronRegistry(site().connection).cron_job(cron_job_id)
    except (UnreadableDefinitionError, UnicodeEncodeError) as error:
        abort(HTTPStatus.CONFLICT, f"The definition of this cron job cannot be read: {error}")
    if found is None:
        abort(HTTPStatus.NOT_FOUND, "No cron job with this id is registered now.")
    return found
