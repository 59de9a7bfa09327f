"""Runs a cron job now, in addition to its ticks."""

from __future__ import annotations

import uuid

from redis import Redis
from rq import Queue
from rq.job import Job

from rq_mon.calls.serializers import PICKLE, Format
from rq_mon.changes import count_changes
from rq_mon.cron.definition import CronJob


def enqueue_now(connection: Redis, cron_job: CronJob, format_: Format = PICKLE) -> Job:
    """Enqueue a job as a tick would, and return it. Ticks, their counts and a pause do not change.

    Args:
        connection: the Redis that holds the queues.
        cron_job: the cron job to run.
        format_: the format of the job's `meta`.
    """
    queue = Queue(cron_job.queue_name, connection=connection, serializer=format_.serializer)
    job = cron_job.create_job(queue, f"{cron_job.id}-now-{uuid.uuid4().hex[:12]}", {})
    with connection.pipeline() as pipeline:
        queue.enqueue_job(job, pipeline=pipeline)
        count_changes(pipeline, "cron_run")
        pipeline.execute()
    return job
