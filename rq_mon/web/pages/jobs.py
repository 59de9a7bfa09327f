"""The jobs of a queue by their state, a page at a time, and a search in them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import get_args

from flask import Blueprint, abort, redirect, render_template
from werkzeug.wrappers import Response

from rq_mon.state.job_lists import JOB_STATES, JobState
from rq_mon.state.listed_jobs import Search, read_jobs
from rq_mon.state.queues import read_jobs_of_queue
from rq_mon.web.links import asked, link
from rq_mon.web.site import site

blueprint = Blueprint("jobs", __name__)

JOBS_PER_PAGE = 50
FIRST_LOOK: tuple[JobState, ...] = ("failed", "queued", "started")
"""Default state: the first of these that has jobs."""

ORDERS: dict[JobState, str] = {
    "queued": "Newest first, by when they were enqueued. Workers take the oldest first.",
    "started": "In the order of RQ's registry: by the time of their next heartbeat.",
    "deferred": "Newest first, by when they were deferred.",
    "canceled": "Newest first, by when they were canceled.",
    "scheduled": "The latest due time first, as RQ's registry sorts them.",
    "finished": "Newest first as RQ's registry sorts them: by when they expire.",
    "failed": "Newest first as RQ's registry sorts them: by when they expire.",
    "stopped": "Newest first as RQ's registry sorts them; it has failed jobs, too.",
    "rate_limited": "In the order of their rate limits.",
}


@blueprint.get("/queue")
def jobs() -> str:
    """Show the jobs of a queue in one state."""
    here, name = site(), asked("name")
    if not name:
        abort(HTTPStatus.NOT_FOUND, "Expected the name of a queue in the address: /queue?name=…")
    counts = here.read(queues=read_jobs_of_queue(name.encode(errors="surrogateescape"), here.now()))["queues"]
    state = _state(asked("state"), counts)
    search = Search(id=asked("id"), function=asked("function"), exception=asked("exception"), text=asked("q"))
    try:
        page = read_jobs(
            here.connection,
            name,
            state,
            cursor=asked("cursor") or None,
            limit=JOBS_PER_PAGE,
            search=search,
            newest_first=True,
        )
    except ValueError as error:
        abort(HTTPStatus.BAD_REQUEST, str(error))
    return render_template(
        "jobs.html",
        name=name,
        counts=counts,
        state=state,
        states=JOB_STATES,
        order=ORDERS[state],
        search=search,
        page=page,
        is_first=not asked("cursor"),
        now=here.now(),
    )


@blueprint.get("/find")
def find() -> Response:
    """Redirect from the search field to the job with this id."""
    return redirect(link("/job", id=asked("id").strip()), HTTPStatus.SEE_OTHER)


def _state(text: str, counts: Mapping[str, int | None]) -> JobState:
    for state in get_args(JobState):
        if text == state:
            return state  # type: ignore[no-any-return]
    if text:
        abort(HTTPStatus.NOT_FOUND, f"Expected a state, one of {', '.join(JOB_STATES)}; got {text[:100]!r}.")
    return next((each for each in FIRST_LOOK if counts.get(each)), "queued")
