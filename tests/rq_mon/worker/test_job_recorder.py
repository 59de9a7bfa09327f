"""Each execution is counted once, within limits, and never breaks the transaction of the job."""

from __future__ import annotations

import time

import pytest
from redis import Redis

from rq_mon.catalogue import MONITORED_QUEUES_KEY, OTHER, WRITE_ERRORS_KEY
from rq_mon.series import counted_key, functions_key, jobs_key, running_key, waits_key
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.worker.counters import ends, failures, functions, running, series, waits, write_errors

RECORDER = JobRecorder(max_functions=3, max_exceptions=2)


def start(redis: Redis, execution: str = "1", waited: float | None = 0.2) -> None:
    RECORDER.record_start(redis, Start(execution, "mail", "description", waited))


def end(redis: Redis, execution: str = "1", function: str = "app.send", exception: str = "") -> None:
    outcome = "failed" if exception else "success"
    RECORDER.record_end(redis, End(execution, "job-1", "mail", function, outcome, exception, 0.03))  # type: ignore[arg-type]


def run(redis: Redis, function: str, exception: str = "") -> None:
    start(redis)
    end(redis, function=function, exception=exception)


def test_an_execution_is_stored_with_its_times_outcome_and_exception(redis_client: Redis) -> None:
    start(redis_client, waited=0.2)
    assert running(redis_client, "mail") == 1
    end(redis_client, exception="ValueError")
    stored = series(redis_client, "mail", "app.send")
    failed = stored.outcomes["failed"]
    assert running(redis_client, "mail") == 0
    assert (failed.count, failed.seconds, failed.buckets) == (1, 0.03, {0.05: 1})
    assert (failed.exemplars[0.05].job_id, failed.exemplars[0.05].seconds) == ("job-1", 0.03)
    assert failed.exemplars[0.05].timestamp == pytest.approx(time.time(), abs=60)
    assert failed.written == pytest.approx(time.time(), abs=60)
    assert stored.exceptions["ValueError"].written == failed.written
    assert waits(redis_client, "mail").buckets == {0.5: 1}
    assert waits(redis_client, "mail").seconds == 0.2
    assert redis_client.smembers(MONITORED_QUEUES_KEY) == {b"mail"}


def test_the_newest_job_is_the_exemplar_of_its_bucket(redis_client: Redis) -> None:
    for execution, job_id, seconds in (("1", "old", 0.03), ("2", "new", 0.04), ("3", "slow", 8.0)):
        start(redis_client, execution)
        RECORDER.record_end(redis_client, End(execution, job_id, "mail", "app.send", "success", "", seconds))
    exemplars = series(redis_client, "mail", "app.send").outcomes["success"].exemplars
    assert {bound: exemplar.job_id for bound, exemplar in exemplars.items()} == {0.05: "new", 10.0: "slow"}


def test_a_start_recorded_twice_counts_as_one_wait(redis_client: Redis) -> None:
    start(redis_client)
    start(redis_client)
    assert waits(redis_client, "mail").count == 1


def test_an_end_recorded_twice_counts_once(redis_client: Redis) -> None:
    start(redis_client)
    end(redis_client, exception="ValueError")
    end(redis_client, exception="ValueError")
    assert ends(redis_client, "mail") == {("app.send", "failed"): 1}
    assert failures(redis_client, "mail") == {("app.send", "ValueError"): 1}


def test_only_the_first_of_two_ends_of_an_execution_counts(redis_client: Redis) -> None:
    """A work horse that is killed after it recorded a success is neither a failure nor abandoned."""
    start(redis_client)
    end(redis_client)
    end(redis_client, exception="WorkHorseKilled")
    RECORDER.record_end(redis_client, End("1", "job-1", "mail", "app.send", "abandoned", "AbandonedJobError"))
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}
    assert failures(redis_client, "mail") == {}


def test_an_abandoned_execution_that_ends_after_all_stays_abandoned(redis_client: Redis) -> None:
    start(redis_client)
    RECORDER.record_end(redis_client, End("1", "job-1", "mail", "app.send", "abandoned", "AbandonedJobError"))
    end(redis_client)
    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}


def test_an_end_whose_start_is_lost_is_counted(redis_client: Redis) -> None:
    """As after a failover to a replica that never received the start."""
    end(redis_client)
    end(redis_client)
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}


def test_the_note_that_an_execution_was_counted_expires(redis_client: Redis) -> None:
    end(redis_client)
    assert 0 < redis_client.ttl(counted_key("1")) <= 3600  # type: ignore[operator]


def test_an_unknown_wait_is_not_counted(redis_client: Redis) -> None:
    start(redis_client, waited=None)
    assert waits(redis_client, "mail").count == 0
    assert running(redis_client, "mail") == 1


def test_functions_beyond_the_limit_count_as_other(redis_client: Redis) -> None:
    for name in ("a", "b", "c", "d", "e", "a", "d"):
        run(redis_client, name)
    assert ends(redis_client, "mail") == {
        ("a", "success"): 2,
        ("b", "success"): 1,
        ("c", "success"): 1,
        (OTHER, "success"): 3,
    }
    assert functions(redis_client, "mail") == {"a", "b", "c", OTHER}


def test_each_queue_has_its_own_limit(redis_client: Redis) -> None:
    for name in ("a", "b", "c"):
        run(redis_client, name)
    RECORDER.record_end(redis_client, End("", "job", "news", "d", "success", "", 0.1))
    assert ends(redis_client, "news") == {("d", "success"): 1}


def test_exceptions_beyond_the_limit_count_as_other(redis_client: Redis) -> None:
    for exception in ("A", "B", "C", "D", "A"):
        run(redis_client, "app.send", exception)
    run(redis_client, "app.receive", "C")
    assert failures(redis_client, "mail") == {
        ("app.send", "A"): 2,
        ("app.send", "B"): 1,
        ("app.send", OTHER): 2,
        ("app.receive", "C"): 1,
    }


def test_scripts_that_redis_has_forgotten_are_loaded_again(redis_client: Redis) -> None:
    start(redis_client)
    redis_client.script_flush()
    end(redis_client)
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}


@pytest.mark.parametrize(
    "key",
    [
        running_key("mail"),
        waits_key("mail"),
        functions_key("mail"),
        jobs_key("mail", "app.send"),
        MONITORED_QUEUES_KEY,
    ],
)
def test_a_key_of_a_wrong_type_is_a_write_error_and_the_jobs_transaction_succeeds(
    redis_client: Redis, key: str
) -> None:
    redis_client.lpush(key, "broken")
    with redis_client.pipeline() as pipeline:
        start(pipeline)
        end(pipeline)
        pipeline.set("of the job", 1)
        pipeline.execute()
    assert redis_client.get("of the job") == b"1"
    assert set(write_errors(redis_client)) == {"WRONGTYPE"}


def test_a_value_that_is_no_number_is_a_write_error_and_the_jobs_transaction_succeeds(
    redis_client: Redis,
) -> None:
    redis_client.hset(jobs_key("mail", "app.send"), "success:count", "many")
    with redis_client.pipeline() as pipeline:
        start(pipeline)
        end(pipeline)
        pipeline.set("of the job", 1)
        pipeline.execute()
    assert redis_client.get("of the job") == b"1"
    assert write_errors(redis_client) == {"ERR": 1}


def test_a_job_ends_even_if_write_errors_cannot_be_counted(redis_client: Redis) -> None:
    redis_client.set(WRITE_ERRORS_KEY, "broken")
    redis_client.set(running_key("mail"), "broken")
    start(redis_client)
    end(redis_client)
    assert redis_client.get(WRITE_ERRORS_KEY) == b"broken"


def test_a_rehearsal_leaves_nothing_behind(redis_client: Redis) -> None:
    assert RECORDER.rehearse(redis_client) == []
    assert redis_client.dbsize() == 0


def test_a_rehearsal_touches_no_real_queue(redis_client: Redis) -> None:
    recorded = End("1", "job-1", "rehearsal", "rehearsal", "success", seconds=0.03)
    RECORDER.record_start(redis_client, Start("1", "rehearsal", "", waited=0.2))
    RECORDER.record_end(redis_client, recorded)
    RECORDER.record_start(redis_client, Start("2", "rehearsal", "still running", waited=None))
    before = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
    assert RECORDER.rehearse(redis_client) == []
    assert {key: redis_client.dump(key) for key in redis_client.scan_iter()} == before


def test_a_rehearsal_returns_the_errors_that_counting_would_meet(redis_client: Redis) -> None:
    redis_client.set(MONITORED_QUEUES_KEY, "broken")
    problems = RECORDER.rehearse(redis_client)
    assert [problem.partition(" ")[0] for problem in problems] == ["WRONGTYPE", "WRONGTYPE"]
