"""Failed jobs in groups: what fails, why, and how often."""

from __future__ import annotations

from flask import Blueprint, render_template

from rq_mon.state.failure_selection import Selection
from rq_mon.web.links import asked
from rq_mon.web.scans import Scan
from rq_mon.web.site import site

blueprint = Blueprint("failures", __name__)


@blueprint.get("/failures")
def failures() -> str:
    """Show the groups of the failed jobs read so far; a link continues."""
    here, queue = site(), asked("queue") or None
    scan = here.scans.find(asked("scan"))
    if scan is None or scan.selection.queue != queue:
        scan = Scan(Selection(queue=queue, not_later_than=here.now()))
    scan.read_on(here.connection)
    if not scan.is_done:
        here.scans.keep(scan)
    goes_on = asked("all") == "yes" and not scan.is_done
    groups = scan.groups.latest_first()
    return render_template(
        "failures.html", scan=scan, groups=groups, queue=queue, goes_on=goes_on, now=here.now()
    )
