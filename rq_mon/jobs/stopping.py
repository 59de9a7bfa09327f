"""Stops a running job, as RQ does: its worker ends the job's process."""

from __future__ import annotations

import json
from typing import Any, Literal

from redis import Redis
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.job import JobStatus

from rq_mon.changes import COUNT_CHANGES
from rq_mon.state.values import job_key

StopResult = Literal["asked", "gone", "not-running", "no-worker"]
"""`asked`: its worker got the command. `gone`: the job does not exist. `no-worker`: its worker does not
listen; if it is dead, RQ finds out when the job's heartbeat expires.
"""

# One step reads status and worker and sends the command; a worker ignores commands for other jobs.
_STOP = f"""
{COUNT_CHANGES}
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' then return 'gone' end
local status, worker = unpack(redis.call('HMGET', KEYS[1], 'status', 'worker_name'))
if status ~= '{JobStatus.STARTED.value}' or not worker or worker == '' then return 'not-running' end
if redis.call('PUBLISH', ARGV[1] .. worker, ARGV[2]) == 0 then return 'no-worker' end
count_changes('stop', 1)
return 'asked'
"""


def stop(connection: Redis, job_id: str) -> StopResult:
    """Ask the worker of a job to stop it. The job is then marked as stopped, and listed among failed jobs.

    A SimpleWorker runs jobs in its own process and cannot stop one.
    """
    command = json.dumps({"command": "stop-job", "job_id": job_id})
    raw_id = job_id.encode(errors="surrogateescape")
    channel = PUBSUB_CHANNEL_TEMPLATE.removesuffix("%s")
    result: Any = connection.eval(_STOP, 1, job_key(raw_id), channel, command)  # type: ignore[arg-type]
    return result.decode()  # type: ignore[no-any-return]
