"""What is printed for a false statement of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from proofs.fault_run.history import _commands, _Compared, _logged
from proofs.fault_run.recorded_ends import End, timed_transactions
from proofs.fault_run.replay import replay
from proofs.fault_run.worker_log import vanished

START = (
    "MULTI",
    "ZADD rq:wip:mail 100 {job}:{execution}",
    "HSET rq:worker:ann state busy",
    "EXEC",
)
END = (
    "MULTI",
    "HINCRBY rq:worker:ann successful_job_count 1",
    "HSET rq:job:{job} status {status}",
    "SET rq:monitor:counted:{execution} 1",
    'HINCRBY rq:monitor:jobs:["mail","app.send"] {outcome}:count 1',
    "ZREM rq:wip:mail {job}:{execution}",
    "EXEC",
)


def written(path: Path, *commands: str) -> Path:
    with path.open("wb") as file:
        for second, command in enumerate(commands):
            parts = [part.encode() for part in command.split()]
            file.write(b"#TS:%d\r\n*%d\r\n" % (1000 + second, len(parts)))
            file.writelines(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    return path


def run(job: str, execution: str, status: str, outcome: str) -> list[str]:
    values = {"job": job, "execution": execution, "status": status, "outcome": outcome}
    return [command.format(**values) for command in (*START, *END)]


def test_an_execution_counted_differently_than_recorded_is_printed(tmp_path: Path) -> None:
    file = written(
        tmp_path / "file",
        *run("job-000001", "e1", "finished", "success"),
        *run("job-000002", "e2", "finished", "retried"),
        *run("job-000002", "e3", "failed", "failed"),
    )
    compared = _Compared({f"job-00000{n}": "app.send" for n in (1, 2)}, {})
    with file.open("rb") as log:
        for _, transaction in timed_transactions(log):
            compared.take(transaction)

    assert list(compared.disagreements()) == [
        ("job-000002", "e2: recorded as ['success'], counted as ['retried']")
    ]


def test_an_uncounted_execution_is_printed_unless_redis_refused_to_count(tmp_path: Path) -> None:
    uncounted = [command for command in END if "rq:monitor:" not in command]
    ids = [{"job": f"job-00000{n}", "execution": f"e{n}", "status": "finished"} for n in (1, 2)]
    file = written(
        tmp_path / "file", *(command.format(**each) for each in ids for command in (*START, *uncounted))
    )
    compared = _Compared({each["job"]: "app.send" for each in ids}, {}, refused=[(1000, 1008)])
    with file.open("rb") as log:
        for compared.moment, transaction in timed_transactions(log):
            compared.take(transaction)

    assert list(compared.disagreements()) == [("job-000002", "e2: recorded as ['success'], counted as []")]


def test_a_start_that_its_worker_undid_ends_no_execution(tmp_path: Path) -> None:
    take_back = ("MULTI", "ZREM rq:wip:mail {job}:{execution}", "DEL rq:execution:{job}:{execution}", "EXEC")
    ids = {"job": "job-000001", "execution": "e1"}
    file = written(
        tmp_path / "file",
        *(command.format(**ids) for command in (*START, *take_back)),
        *run("job-000001", "e2", "finished", "success"),
    )
    replayed = replay(file, {"job-000001": "app.send"}, {"job-000001": "mail"})

    assert replayed.ends == {End("mail", "app.send", "success"): 1}
    assert replayed.taken_back == {"job-000001": 1}


def test_the_commands_about_a_job_are_printed_with_their_times(tmp_path: Path) -> None:
    file = written(tmp_path / "file", "SET other 1", "SET rq:job:job-000001 1", "DEL other")

    assert list(_commands("job-000001", file)) == [(1001.0, "Redis: SET rq:job:job-000001 1")]


def test_the_log_lines_about_a_job_are_printed_with_their_times(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lost = "2026-11-29T07:47:54.500Z WARNING rq.worker: Worker ann: job job-000001 was deleted while it ran"
    log.write_text(f"2026-11-29T07:47:53.000Z INFO    rq.worker: Worker ann: job-000002\n{lost}\nTraceback\n")
    moment = datetime(2026, 11, 29, 7, 47, 54, 500_000, UTC).timestamp()

    assert list(_logged("job-000001", log)) == [(moment, f"log: {lost.partition(' ')[2]}")]
    assert vanished(log) == [(moment, "job-000001")]
