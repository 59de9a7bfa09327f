"""All workers."""

from __future__ import annotations

from flask import Blueprint, render_template

from rq_mon.state.workers import read_workers
from rq_mon.web.links import asked
from rq_mon.web.paging import page_of
from rq_mon.web.site import site

blueprint = Blueprint("workers", __name__)


@blueprint.get("/workers")
def workers() -> str:
    """Show all workers of RQ, of one queue, or with some text in their name."""
    here, queue, wanted = site(), asked("queue"), asked("q")
    found = here.read(workers=read_workers(here.errors))["workers"]
    chosen = [
        worker
        for worker in sorted(found, key=lambda worker: worker.name)
        if (not queue or queue in worker.queues) and wanted.lower() in worker.name.lower()
    ]
    return render_template(
        "workers.html", workers=page_of(chosen), queue=queue, wanted=wanted, now=here.now()
    )
