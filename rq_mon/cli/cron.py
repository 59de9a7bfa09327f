"""`rqmon cron`: show, run, pause, resume and cancel cron jobs."""

from __future__ import annotations

from collections.abc import Callable

import click
from redis import Redis

from rq_mon.calls.serializers import FORMATS
from rq_mon.catalogue import OperatorAction
from rq_mon.cli.confirming import asks_before, confirm, log_change, print_dry_run
from rq_mon.cli.exits import OK, WRONG, CommandError
from rq_mon.cli.facts import read_facts
from rq_mon.cli.output import JSON_OPTION, print_json, print_line, print_table, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.status import CRON_HEADINGS, cron_as_dicts, cron_rows
from rq_mon.cron.definition import CronJob, UnreadableDefinitionError
from rq_mon.cron.extra_run import enqueue_now
from rq_mon.cron.registry import CronRegistry
from rq_mon.settings import Settings

ID_ARGUMENT = click.argument("name", metavar="CRON_JOB")


@click.group()
def cron() -> None:
    """Show cron jobs, run them now, pause, resume and cancel them.

    CRON_JOB is an id from `rqmon cron list`, or its beginning, if no other id begins with it.
    """


@cron.command("list")
@JSON_OPTION
def list_cron_jobs(as_json: bool) -> int:
    """Show all cron jobs, when each is due next, and which are paused. Exit code 1 if there is none."""
    with open_redis() as connection:
        facts = read_facts(connection)
    if as_json:
        print_json(cron_as_dicts(facts))
    else:
        print_table("Cron jobs", CRON_HEADINGS, cron_rows(facts))
    return OK if facts.cron.jobs else WRONG


@cron.command()
@ID_ARGUMENT
@asks_before
@JSON_OPTION
def run(name: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Enqueue a job of CRON_JOB now, after asking. Its schedule does not change, and a pause stays."""
    job_id = None
    with open_redis() as connection:
        cron_job = _cron_job(connection, name)
        intention = f"This enqueues a job of the cron job {cron_job.id} in {shown(cron_job.queue_name)}."
        if confirm(intention, dry_run=dry_run, yes=yes):
            job_id = enqueue_now(connection, cron_job, FORMATS[Settings.from_environment().serializer]).id
            log_change("cron_run", 1, f"cron job {cron_job.id}")
    if as_json:
        print_json({"dry_run": dry_run, "job_id": job_id, "queue": cron_job.queue_name})
    elif dry_run:
        print_dry_run(intention)
    else:
        print_line(f"enqueued: {job_id} in {cron_job.queue_name}")
    return OK


@cron.command()
@ID_ARGUMENT
@asks_before
@JSON_OPTION
def pause(name: str, **options: bool) -> int:
    """Pause CRON_JOB until `resume`, after asking. The pause survives a restart of the cron schedulers.

    Ticks during the pause do not run later. Alerts about late and missed ticks do not fire.
    """
    intention = "This pauses the cron job {}."
    return _change(name, "cron_pause", "paused", intention, CronRegistry.pause, **options)


@cron.command()
@ID_ARGUMENT
@asks_before
@JSON_OPTION
def resume(name: str, **options: bool) -> int:
    """Resume CRON_JOB from now on, after asking."""
    intention = "This resumes the cron job {}."
    return _change(name, "cron_resume", "resumed", intention, CronRegistry.resume, **options)


@cron.command()
@ID_ARGUMENT
@asks_before
@JSON_OPTION
def cancel(name: str, **options: bool) -> int:
    """Remove CRON_JOB and the counts of its ticks, after asking.

    A cron scheduler with it in its list (cron_jobs.py) registers it again at its next start, and so does an
    application that registers it. Remove it there too, or pause it instead. Jobs already enqueued stay.
    """
    intention = "This removes the cron job {} and the counts of its ticks."
    return _change(name, "cron_cancel", "cancelled", intention, CronRegistry.cancel, **options)


def _change(
    name: str,
    action: OperatorAction,
    what: str,
    intention: str,
    change: Callable[[CronRegistry, str], bool],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    with open_redis() as connection:
        cron_job_id = _cron_job_id(connection, name)
        intention = intention.format(cron_job_id)
        try:
            is_new = confirm(intention, dry_run=dry_run, yes=yes) and change(
                CronRegistry(connection), cron_job_id
            )
        except UnreadableDefinitionError as error:
            raise CommandError(f"{cron_job_id}: cannot read its definition: {error}") from error
    if is_new:
        log_change(action, 1, f"cron job {cron_job_id}")
    if as_json:
        print_json({"dry_run": dry_run, "id": cron_job_id, what: is_new})
    elif dry_run:
        print_dry_run(intention)
    else:
        print_line(f"{what}: {cron_job_id}" if is_new else f"{cron_job_id}: nothing to do")
    return OK


def _cron_job(connection: Redis, name: str) -> CronJob:
    cron_job_id = _cron_job_id(connection, name)
    try:
        cron_job = CronRegistry(connection).cron_job(cron_job_id)
    except UnreadableDefinitionError as error:
        raise CommandError(f"{cron_job_id}: cannot read its definition: {error}") from error
    if cron_job is None:
        raise CommandError(f"{cron_job_id}: expected a registered cron job; it was cancelled just now")
    return cron_job


def _cron_job_id(connection: Redis, name: str) -> str:
    """Return the full id for an id or its beginning.

    Raises:
        CommandError: no id, or more than one, begins with it.
    """
    ids = CronRegistry(connection).ids()
    found = [each for each in ids if each == name] or [each for each in ids if each.startswith(name)]
    if len(found) == 1:
        return found[0]
    which = "only one of" if found else "one of"
    listed = ", ".join(found or ids) or "none is registered"
    raise CommandError(f"CRON_JOB: expected the beginning of {which} these: {listed}; got {name!r}")
