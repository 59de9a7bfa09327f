"""`rqmon cron`: cron jobs, run now, paused and cancelled."""

from __future__ import annotations

import click
from redis import Redis

from rq_mon.calls.serializers import FORMATS
from rq_mon.cli.confirming import YES_OPTION, is_confirmed
from rq_mon.cli.exits import OK, WRONG, CommandError
from rq_mon.cli.facts import read_facts
from rq_mon.cli.output import JSON_OPTION, print_json, print_line, print_table
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

    CRON_JOB is the id of a cron job, as `rqmon cron list` shows it, or the beginning of only one.
    """


@cron.command("list")
@JSON_OPTION
def list_cron_jobs(as_json: bool) -> int:
    """Show all cron jobs, when they are due next, and which are paused. Exit code 1 if there is none."""
    with open_redis() as connection:
        facts = read_facts(connection)
    if as_json:
        print_json(cron_as_dicts(facts))
    else:
        print_table("Cron jobs", CRON_HEADINGS, cron_rows(facts))
    return OK if facts.cron.jobs else WRONG


@cron.command()
@ID_ARGUMENT
@JSON_OPTION
def run(name: str, as_json: bool) -> int:
    """Enqueue a job of CRON_JOB now; its ticks go on as if nothing had been, and a pause stays."""
    with open_redis() as connection:
        format_ = FORMATS[Settings.from_environment().serializer]
        job = enqueue_now(connection, _cron_job(connection, name), format_)
    if as_json:
        print_json({"job_id": job.id, "queue": job.origin})
    else:
        print_line(f"enqueued: {job.id} in {job.origin}")
    return OK


@cron.command()
@ID_ARGUMENT
@JSON_OPTION
def pause(name: str, as_json: bool) -> int:
    """Let CRON_JOB have no ticks until `resume`, also when the cron schedulers are restarted.

    Ticks that pass meanwhile are not made up for, and alerts on late and missed ticks are silent.
    """
    with open_redis() as connection:
        cron_job_id = _cron_job_id(connection, name)
        _report(cron_job_id, "paused", CronRegistry(connection).pause(cron_job_id), as_json=as_json)
    return OK


@cron.command()
@ID_ARGUMENT
@JSON_OPTION
def resume(name: str, as_json: bool) -> int:
    """Let CRON_JOB have ticks again, from now on."""
    with open_redis() as connection:
        cron_job_id = _cron_job_id(connection, name)
        try:
            was_paused = CronRegistry(connection).resume(cron_job_id)
        except UnreadableDefinitionError as error:
            raise CommandError(f"{cron_job_id}: its definition cannot be read: {error}") from error
        _report(cron_job_id, "resumed", was_paused, as_json=as_json)
    return OK


@cron.command()
@ID_ARGUMENT
@YES_OPTION
@JSON_OPTION
def cancel(name: str, yes: bool, as_json: bool) -> int:
    """Remove CRON_JOB and the counts of its ticks, after asking.

    A cron scheduler that starts registers again what is on its list (cron_jobs.py), and an application what
    it registers when it starts: take it out there, or pause it. Jobs that are enqueued already stay.
    """
    with open_redis() as connection:
        cron_job_id = _cron_job_id(connection, name)
        if not is_confirmed(f"This removes the cron job {cron_job_id} and the counts of its ticks.", yes=yes):
            return WRONG
        _report(cron_job_id, "cancelled", CronRegistry(connection).cancel(cron_job_id), as_json=as_json)
    return OK


def _report(cron_job_id: str, what: str, is_new: bool, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": cron_job_id, what: is_new})
    else:
        print_line(f"{what}: {cron_job_id}" if is_new else f"{cron_job_id}: nothing to change")


def _cron_job(connection: Redis, name: str) -> CronJob:
    cron_job_id = _cron_job_id(connection, name)
    try:
        cron_job = CronRegistry(connection).cron_job(cron_job_id)
    except UnreadableDefinitionError as error:
        raise CommandError(f"{cron_job_id}: its definition cannot be read: {error}") from error
    if cron_job is None:
        raise CommandError(
            f"{cron_job_id}: expected a cron job that is registered; it was cancelled just now"
        )
    return cron_job


def _cron_job_id(connection: Redis, name: str) -> str:
    """Return the id that is, or begins with, what the user typed."""
    ids = CronRegistry(connection).ids()
    found = [each for each in ids if each == name] or [each for each in ids if each.startswith(name)]
    if len(found) == 1:
        return found[0]
    which = "only one of" if found else "one of"
    listed = ", ".join(found or ids) or "none is registered"
    raise CommandError(f"CRON_JOB: expected the beginning of {which} these: {listed}; got {name!r}")
