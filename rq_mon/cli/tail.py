"""`rqmon tail`: a line for each job that ends."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import datetime

import click

from rq_mon.cli.choosing import check_queue
from rq_mon.cli.exits import OK
from rq_mon.cli.output import print_line, say, shown
from rq_mon.cli.redis_connection import open_redis
from rq_mon.cli.times import for_how_long, iso
from rq_mon.state.ended_jobs import JOBS_PER_LOOK, EndedJob, EndedJobs
from rq_mon.state.failed_jobs import queues_of

LOOK_SECONDS = 1.0
NAMED_QUEUES = 20


@click.command(
    help=f"""Print a line for each job that finishes or fails, of all queues or of QUEUE..., until Ctrl-C.

    It looks once a second, writes nothing, and sends Redis at most 5 commands per queue each time.

    It cannot show jobs that RQ deletes when they end (result_ttl=0), executions that are retried, and queues
    created after it started. It shows at most {JOBS_PER_LOOK} jobs of a queue a second. It misses jobs
    that ran for less than a second if RQ keeps them forever, or for less time than {JOBS_PER_LOOK} others of
    their queue. The metrics count all of these."""
)
@click.argument("queues", metavar="[QUEUE]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per job.")
def tail(queues: tuple[str, ...], as_json: bool) -> int:
    """Print ended jobs until Ctrl-C."""
    with open_redis() as connection:
        names = [check_queue(connection, name) for name in dict.fromkeys(queues)] or queues_of(connection)
        if not names:
            say("This Redis has no queue yet: nothing to watch.")
            return OK
        ended = EndedJobs(connection, names)
        ended.look()
        listed = ", ".join([*map(shown, names[:NAMED_QUEUES]), *(["…"] if len(names) > NAMED_QUEUES else [])])
        say(f"Watching {listed}; stop with Ctrl-C.")
        while True:
            begin = time.monotonic()
            for job in ended.look():
                _print(job, as_json=as_json)
            time.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - begin)))


def _print(job: EndedJob, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(job), "ended_at": iso(job.ended_at)}), flush=True)
        return
    at = datetime.fromtimestamp(job.ended_at).astimezone()
    ran = "" if job.run_seconds is None else _span(job.run_seconds)
    why = f"{job.exception}: {job.last_line}" if job.exception else ""
    parts = f"{at:%H:%M:%S}", job.queue, job.status, job.function, ran, job.id, why
    print_line("  ".join(shown(part) for part in parts if part))


def _span(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 10 else for_how_long(seconds)
