"""`rqmon health`: healthy or not, and why."""

from __future__ import annotations

import click
from redis.exceptions import RedisError
from rq.job import JobStatus

from rq_mon.catalogue import UNKNOWN_FUNCTION
from rq_mon.cli.exits import NO_REDIS, OK, WRONG
from rq_mon.cli.facts import Facts, read_facts
from rq_mon.cli.output import JSON_OPTION, print_json, print_line, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import SPAN, for_how_long
from rq_mon.objectives import FAR_OVER, Objectives, ObjectivesError, objectives_here
from rq_mon.settings import Settings


@click.command()
@click.option("--max-wait", type=SPAN, help="Unhealthy if a job waits longer than this, such as 5m.")
@click.option(
    "--max-failed",
    type=click.IntRange(min=0),
    metavar="JOBS",
    help="Unhealthy if a queue has more failed jobs than this.",
)
@JSON_OPTION
def health(max_wait: float | None, max_failed: int | None, as_json: bool) -> int:
    """Exit with 0 if all is well, else with 1 (or 3: no Redis), and say what is wrong.

    Healthy means: Redis answers and workers are not paused; each queue that has jobs has a live worker; no
    job is stuck with a dead worker; no job has run for three times the run objective of its queue
    (RQ_OBJECTIVES_FILE); no deferred job waits for a failed one; and if there are cron jobs, a cron
    scheduler is alive. Ratios over time, such as the failure ratio, are in Prometheus and its alerts.
    """
    try:
        objectives = objectives_here(Settings.from_environment().objectives_file)
        with open_redis() as connection:
            problems = problems_of(read_facts(connection), objectives, max_wait, max_failed)
    except ObjectivesError as error:
        raise click.UsageError(str(error)) from error
    except (RedisError, TimeoutError) as error:
        _report([f"cannot use the Redis that RQ_REDIS_URL names: {error}"], as_json=as_json)
        return NO_REDIS
    _report(problems, as_json=as_json)
    return WRONG if problems else OK


def problems_of(
    facts: Facts, objectives: Objectives, max_wait: float | None, max_failed: int | None
) -> list[str]:
    """Return the problems, one line each.

    Args:
        facts: the state to judge.
        objectives: the run objective of each queue, in seconds.
        max_wait: seconds that the oldest job of a queue may wait; None: any time.
        max_failed: failed jobs that a queue may keep; None: any number.
    """
    problems = ["all workers are paused: run `rqmon resume`"] if facts.is_paused else []
    for name, queue in facts.queues.items():
        shown_name = shown(name)
        waiting, failed = queue.jobs[JobStatus.QUEUED] or 0, queue.jobs[JobStatus.FAILED] or 0
        if waiting and not facts.workers_of(name):
            problems.append(
                f"{shown_name}: {waiting:,} jobs are waiting, and no live worker listens to the queue"
            )
        if queue.stuck:
            problems.append(f"{shown_name}: {queue.stuck:,} started jobs are stuck: their worker is dead")
        if queue.stuck_deferred:
            problems.append(
                f"{shown_name}: {queue.stuck_deferred:,} deferred jobs will never run: a job they depend "
                "on failed, was stopped or cancelled, or is gone"
            )
        age = queue.oldest_job_age
        if max_wait is not None and age is not None and age > max_wait:
            limits = f"{for_how_long(age)}, more than {for_how_long(max_wait)}"
            problems.append(f"{shown_name}: the oldest job has waited for {limits}")
        if max_wait is not None and waiting and age is None:
            problems.append(f"{shown_name}: {waiting:,} jobs are queued, but none exists: expired or deleted")
        if max_failed is not None and failed > max_failed:
            problems.append(f"{shown_name}: {failed:,} failed jobs, more than {max_failed:,}")
    problems += _far_over(facts, objectives)
    active = sum(not job.is_paused for job in facts.cron.jobs.values())
    if active and not facts.cron_schedulers:
        problems.append(f"{active:,} cron jobs are registered, but no cron scheduler is alive")
    return problems


def _far_over(facts: Facts, objectives: Objectives) -> list[str]:
    """Return a line for each job that runs far beyond its run objective, the longest first."""
    found = []
    for worker in facts.workers:
        if worker.job is None or worker.job_id is None:
            continue
        ran, promised = facts.now - worker.job.started_at, objectives.of(worker.job.queue).run_seconds
        if ran > FAR_OVER * promised:
            function = shown(facts.functions.get(worker.job_id, UNKNOWN_FUNCTION))
            job_id = shown(worker.job_id.decode(errors="backslashreplace"))
            spans = f"has run for {for_how_long(ran)}, run objective {for_how_long(promised)}"
            found.append(
                (ran, f"{shown(worker.job.queue)}: {function} {spans}: {job_id} of {shown(worker.name)}")
            )
    return [text for _, text in sorted(found, reverse=True)]


def _report(problems: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"healthy": not problems, "problems": problems})
        return
    if problems:
        print_line("unhealthy", bold=True, color="red")
    else:
        print_line("healthy", color="green")
    for problem in problems:
        print_line(f"  {problem}")
