"""Changes of failed jobs: a page says what will change and how many, and only its button makes the change."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, render_template, request

from rq_mon.changes import log_change
from rq_mon.jobs.failed import CHANGES, PAST, Change
from rq_mon.state.failure_selection import Selection
from rq_mon.web.links import asked, from_form
from rq_mon.web.login import who
from rq_mon.web.scans import ChangeRun, Scan
from rq_mon.web.site import site

blueprint = Blueprint("changes", __name__)

MOST_IDS = 500


@blueprint.post("/failed/<action>/confirm")
def confirm(action: str) -> str:
    """Show the jobs of a change, and their number."""
    change, scan = _change(action), Scan(_selection())
    scan.read_on(site().connection)
    if scan.is_done and not scan.count:
        abort(
            HTTPStatus.NOT_FOUND,
            "None of these jobs is in the failed state now: they ran again or were deleted.",
        )
    return render_template("confirm.html", change=change, scan=scan, ids=scan.selection.ids)


@blueprint.post("/failed/<action>")
def carry_out(action: str) -> str:
    """Change jobs for a second, and show the results; a button continues with the rest."""
    here, change = site(), _change(action)
    run = here.change_runs.find(asked("run"))
    if run is None or run.change != change:
        run = ChangeRun.begin(here.connection, change, _selection())
    done = run.go_on(here.connection)
    log_change(who(), change, done, f"failed jobs: {_words(run.selection)}")
    if not run.is_done:
        here.change_runs.keep(run)
    return render_template("changed.html", change=change, past=PAST[change], run=run)


def _change(action: str) -> Change:
    change = next((each for each in CHANGES if each == action), None)
    if change is None:
        abort(HTTPStatus.NOT_FOUND)
    return change


def _selection() -> Selection:
    """Return the selected jobs: some ids, or all of a queue, function or exception.

    Jobs that fail after the user looked are not included.
    """
    ids = tuple(from_form(value) for value in request.form.getlist("id"))
    if len(ids) > MOST_IDS:
        abort(HTTPStatus.BAD_REQUEST, f"Expected up to {MOST_IDS} jobs at once, got {len(ids)}.")
    queue = asked("queue") or None
    if not ids and (queue is None or request.form.get("chosen")):
        abort(HTTPStatus.BAD_REQUEST, "No job is selected. Go back and tick some.")
    return Selection(
        ids=ids,
        queue=queue,
        function=asked("function") or None,
        is_whole_path=True,
        exception=asked("exception") or None,
        not_later_than=_number(asked("until")) or site().now(),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _words(selection: Selection) -> str:
    """Describe the jobs for the log; names may contain anything."""
    named = {"queue": selection.queue, "function": selection.function, "exception": selection.exception}
    chosen = [f"{name} {value!r}" for name, value in named.items() if value is not None]
    return ", ".join(([f"ids {', '.join(map(repr, selection.ids))}"] if selection.ids else []) + chosen)
