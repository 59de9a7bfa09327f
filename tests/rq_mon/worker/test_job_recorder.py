"""Each execution is counted once, within limits, and never at the cost of the job's own transaction."""

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


def test_an_execution_is_stored_as_it_was(redis_client: Redis) -> None:
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


def test_a_start_that_is_sent_twice_is_one_wait(redis_client: Redis) -> None:
    start(redis_client)
    start(redis_client)
    assert waits(redis_client, "mail").count == 1


def test_an_end_that_is_sent_twice_is_one_end(redis_client: Redis) -> None:
    start(redis_client)
    end(redis_client, exception="ValueError")
    end(redis_client, exception="ValueError")
    assert ends(redis_client, "mail") == {("app.send", "failed"): 1}
    assert failures(redis_client, "mail") == {("app.send", "ValueError"): 1}


def test_only_the_first_of_two_ends_of_an_execution_counts(redis_client: Redis) -> None:
    """A work horse that is killed after it recorded a success is no failure, nor is it abandoned."""
    start(redis_client)
    end(redis_client)
    end(redis_client, exception="WorkHorseKilled")
    RECORDER.record_end(redis_client, End("1", "job-1", "mail", "app.send", "abandoned", "AbandonedJobError"))
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}
    assert failures(redis_client, "mail") == {}


def test_an_execution_that_ends_after_it_was_given_up_for_dead_stays_abandoned(redis_client: Redis) -> None:
    start(redis_client)
    RECORDER.record_end(redis_client, End("1", "job-1", "mail", "app.send", "abandoned", "AbandonedJobError"))
    end(redis_client)
    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}


def test_an_end_whose_start_is_lost_is_counted(redis_client: Redis) -> None:
    """As when a replica took over that had not seen the start."""
    end(redis_client)
    end(redis_client)
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}


def test_what_was_counted_is_not_remembered_for_ever(redis_client: Redis) -> None:
    end(redis_client)
    assert 0 < redis_client.ttl(counted_key("1")) <= 3600  # type: ignore[operator]


def test_a_wait_that_is_not_known_is_not_counted(redis_client: Redis) -> None:
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


def test_redis_may_forget_the_scripts(redis_client: Redis) -> None:
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
def test_a_broken_key_is_counted_and_leaves_the_transaction_whole(redis_client: Redis, key: str) -> None:
    redis_client.lpush(key, "broken")
    with redis_client.pipeline() as pipeline:
        start(pipeline)
        end(pipeline)
        pipeline.set("of the job", 1)
        pipeline.execute()
    assert redis_client.get("of the job") == b"1"
    assert set(write_errors(redis_client)) == {"WRONGTYPE"}


def test_a_foreign_value_is_counted_and_leaves_the_transaction_whole(redis_client: Redis) -> None:
    redis_client.hset(jobs_key("mail", "app.send"), "success:count", "many")
    with redis_client.pipeline() as pipeline:
        start(pipeline)
        end(pipeline)
        pipeline.set("of the job", 1)
        pipeline.execute()
    assert redis_client.get("of the job") == b"1"
    assert write_errors(redis_client) == {"ERR": 1}


def test_the_errors_may_be_broken_themselves(redis_client: Redis) -> None:
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


def test_a_rehearsal_tells_what_will_not_be_counted(redis_client: Redis) -> None:
    redis_client.set(MONITORED_QUEUES_KEY, "broken")
    problems = RECORDER.rehearse(redis_client)
    assert [problem.partition(" ")[0] for problem in problems] == ["WRONGTYPE", "WRONGTYPE"]
