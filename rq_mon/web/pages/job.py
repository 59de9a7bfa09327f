"""One job, with everything that RQ stores about it."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, render_template

from rq_mon.state.job_details import read_job
from rq_mon.web.links import asked
from rq_mon.web.login import csrf_token
from rq_mon.web.site import site

blueprint = Blueprint("job", __name__)


@blueprint.get("/job")
def job() -> str:
    """Show one job; its arguments only on request, after a login."""
    here = site()
    with_arguments = asked("arguments") == "shown" and csrf_token() is not None
    found = read_job(here.connection, asked("id"), with_arguments=with_arguments)
    if found is None:
        abort(
            HTTPStatus.NOT_FOUND,
            "Redis has no job with this id. It was deleted, it expired, or the id is wrong.",
        )
    return render_template("job.html", job=found, now=here.now())
