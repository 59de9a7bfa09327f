"""`rqmon status`: queues, workers and cron on one page."""

from __future__ import annotations

import time
from typing import Any

import click
from rq.job import JobStatus

from rq_mon.cli.choosing import check_queue
from rq_mon.cli.exits import OK
from rq_mon.cli.facts import Facts, read_facts
from rq_mon.cli.output import JSON_OPTION, clear_screen, print_json, print_line, print_table, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import for_how_long, iso
from rq_mon.state.queues import ALL_STATUSES, QueueFacts
from rq_mon.state.workers import WorkerFacts

WATCH_SECONDS = 2.0

QUEUE_HEADINGS = (
    "queue",
    *(status.replace("_", " ") for status in ALL_STATUSES),
    "oldest waits",
    "workers",
    "stuck",
    "overdue",
    "stuck deferred",
)
WORKER_HEADINGS = ("worker", "state", "queues", "job", "function", "running for", "last report")
CRON_HEADINGS = ("cron job", "queue", "schedule", "next", "last", "missed", "failed", "registered by")


@click.command()
@click.argument("queue", required=False)
@click.option("--watch", is_flag=True, help="Refresh every two seconds, until Ctrl-C.")
@JSON_OPTION
def status(queue: str | None, watch: bool, as_json: bool) -> int:
    """Show queues, workers and cron jobs; with QUEUE that queue, its workers and its cron jobs.

    For each queue: jobs by state, the age of the oldest job (`?` if none of the queued jobs exists), live
    workers, stuck jobs (their worker died), overdue jobs (due, but no RQ scheduler moves them) and stuck
    deferred jobs (a job they depend on failed, was cancelled or is gone).
    """
    with open_redis() as connection:
        if queue is not None:
            check_queue(connection, queue)
        while True:
            facts = read_facts(connection)
            if watch and not as_json:
                clear_screen()
            _print(facts if queue is None else facts.of_queue(queue), as_json=as_json)
            if not watch:
                return OK
            time.sleep(WATCH_SECONDS)


def _print(facts: Facts, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_dict(facts))
        return
    if facts.is_paused:
        left = f" for {for_how_long(facts.paused_for)} more" if facts.paused_for is not None else ""
        sentence = f"All workers are paused{left}; `rqmon resume` resumes them.\n"
        print_line(sentence, bold=True, color="yellow")
    print_table("Queues", QUEUE_HEADINGS, (_queue_row(facts, name) for name in facts.queues))
    print_table("\nWorkers", WORKER_HEADINGS, (_worker_row(facts, worker) for worker in facts.workers))
    print_table("\nCron jobs", CRON_HEADINGS, cron_rows(facts))
    print_table("\nCron schedulers alive", ("name",), ((name,) for name in facts.cron_schedulers))


def cron_rows(facts: Facts) -> list[tuple[object, ...]]:
    """Return a row for each cron job. A paused job says so instead of when it is due."""
    return [
        (
            job_id,
            job.queue,
            job.schedule,
            "paused" if job.is_paused else _when(job.next_tick, facts.now),
            _when(job.last_tick, facts.now),
            _number(facts.cron.ticks.get((job_id, "missed"))),
            _number(facts.cron.ticks.get((job_id, "failed"))),
            ", ".join(job.registered_by),
        )
        for job_id, job in sorted(facts.cron.jobs.items())
    ]


def cron_as_dicts(facts: Facts) -> list[dict[str, Any]]:
    """Return the facts as JSON values."""
    return [
        {
            "id": job_id,
            "queue": job.queue,
            "function": job.function,
            "schedule": job.schedule,
            "paused": job.is_paused,
            "registered_by": job.registered_by,
            "next_tick": iso(job.next_tick),
            "last_tick": iso(job.last_tick),
            "ticks": {
                result: _number(count) for (of, result), count in facts.cron.ticks.items() if of == job_id
            },
        }
        for job_id, job in sorted(facts.cron.jobs.items())
    ]


def _queue_row(facts: Facts, name: str) -> tuple[object, ...]:
    queue = facts.queues[name]
    counts = (queue.jobs[status] for status in ALL_STATUSES)
    troubles = queue.stuck, queue.overdue, queue.stuck_deferred
    return name, *counts, _oldest_waits(queue), facts.workers_of(name), *troubles


def _oldest_waits(queue: QueueFacts) -> str:
    if not queue.jobs[JobStatus.QUEUED]:
        return ""
    return "?" if queue.oldest_job_age is None else for_how_long(queue.oldest_job_age)


def _worker_row(facts: Facts, worker: WorkerFacts) -> tuple[object, ...]:
    function = facts.functions.get(worker.job_id or b"", "")
    running = for_how_long(facts.now - worker.job.started_at) if worker.job else ""
    reported = (
        "" if worker.last_heartbeat is None else f"{for_how_long(facts.now - worker.last_heartbeat)} ago"
    )
    return (
        worker.name,
        worker.state,
        ", ".join(worker.queues),
        _id(worker.job_id),
        function,
        running,
        reported,
    )


def _as_dict(facts: Facts) -> dict[str, Any]:
    return {
        "paused": facts.is_paused,
        "paused_for_seconds": facts.paused_for,
        "queues": [
            {
                "name": name,
                **{status: queue.jobs[status] for status in ALL_STATUSES},
                "oldest_waits_seconds": queue.oldest_job_age,
                "workers": facts.workers_of(name),
                "stuck": queue.stuck,
                "overdue": queue.overdue,
                "stuck_deferred": queue.stuck_deferred,
            }
            for name, queue in facts.queues.items()
        ],
        "workers": [
            {
                "name": worker.name,
                "state": worker.state,
                "monitored": worker.is_monitored,
                "queues": worker.queues,
                "job_id": _id(worker.job_id),
                "function": facts.functions.get(worker.job_id or b""),
                "running_seconds": facts.now - worker.job.started_at if worker.job else None,
                "last_report_seconds": None
                if worker.last_heartbeat is None
                else facts.now - worker.last_heartbeat,
            }
            for worker in facts.workers
        ],
        "cron_jobs": cron_as_dicts(facts),
        "cron_schedulers": facts.cron_schedulers,
    }


def _id(raw_id: bytes | None) -> str | None:
    return None if raw_id is None else shown(raw_id.decode(errors="backslashreplace"))


def _when(moment: float | None, now: float) -> str:
    if moment is None:
        return ""
    away = for_how_long(abs(moment - now))
    return f"in {away}" if moment > now else f"{away} ago"


def _number(value: float | None) -> int | None:
    return None if value is None else int(value)
