"""What RQ keeps of a job, deleted by a script that does so in the same step as something else."""

from __future__ import annotations

from rq.executions import ExecutionRegistry
from rq.group import Group
from rq.job import Job
from rq.results import Result

DELETE_JOB = """
local function delete_job(id, jobs, results, executions, groups)
    local group = redis.call('HGET', jobs .. id, 'group_id')
    if group then redis.call('SREM', groups .. group, id) end
    redis.call('DEL', jobs .. id, jobs .. id .. ':dependents', jobs .. ':' .. id .. ':dependencies')
    redis.call('DEL', results .. id, executions .. id)
end
"""
"""Lua: `delete_job(id, ...)` deletes a job's hash and what hangs on it; `key_prefixes` are the rest."""


def key_prefixes() -> tuple[str, str, str, str]:
    """Return what the keys of jobs, results, executions and groups begin with."""
    return (
        Job.redis_job_namespace_prefix,
        Result.get_key(""),  # type: ignore[no-untyped-call]
        ExecutionRegistry.key_template.format(""),
        Group.get_key(""),
    )
