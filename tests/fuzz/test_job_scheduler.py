"""Whatever the arguments of `job_scheduler`: the exact job, or an error and an unchanged Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from redis import Redis
from rq.job import Job

from rq_mon.cron.definition import CronJob
from scheduler import job_scheduler
from tests.fuzz.tried import throw

FUNCTION = "demo.jobs.resize_image"

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=10),
    st.timedeltas(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.builds(object),
    st.just(lambda: None),
)
cron_like = st.text("0123456789*/,-@LW#?HRabcFEBMON ", max_size=25)
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "function_args": anything,
    "function_kwargs": anything,
    "max_retries": anything,
    "queue_name": anything,
    "retry_backoff": anything,
    "retry_intervals": anything,
    "cron": anything | cron_like,
    "time_delta": anything | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)),
    "job_timeout": anything | st.integers(1, 3600),
    "description": anything,
}
"""Every option but is_burst, which would run the job here."""


@throw("job_scheduler", 600, options=st.fixed_dictionaries({}, optional=OPTIONS))
def test_a_call_enqueues_the_requested_job_or_writes_nothing(
    options: dict[str, Any], redis_client: Redis
) -> None:
    redis_client.flushall()

    try:
        job = job_scheduler(FUNCTION, **options)
    except (TypeError, ValueError) as error:
        assert str(error)  # noqa: PT017 - some inputs raise nothing
        assert redis_client.dbsize() == 0
        return

    if isinstance(job, Job):
        stored = Job.fetch(job.id, connection=redis_client)
        assert tuple(stored.args) == tuple(options.get("function_args") or ())
        assert stored.kwargs == dict(options.get("function_kwargs") or {})
        assert stored.origin == options.get("queue_name", "short-running")
    else:
        assert isinstance(job, CronJob)
        assert options["cron"] == job.schedule.expression


@throw(
    "job_scheduler",
    100,
    function=anything
    | st.from_regex(r"\A[a-z.]{0,12}\Z")
    | st.sampled_from(["os.path", "demo.jobs", "a..b"]),
)
def test_a_function_that_no_worker_can_import_is_refused(function: Any, redis_client: Redis) -> None:
    redis_client.flushall()

    try:
        job_scheduler(function)
    except (TypeError, ValueError) as error:
        assert "function" in str(error)  # noqa: PT017
        assert redis_client.dbsize() == 0
