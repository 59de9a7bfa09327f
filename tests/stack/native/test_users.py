"""A stack that root starts runs services and jobs as separate users, in the order of this file.

Its folder is below one that only root can read, such as a clone in root's home.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from stack.native.accounts import SERVICES_USER, WORKERS_USER, Account, Accounts
from stack.native.processes import SERVICE_NAME
from stack.native.reach import entering, plan
from stack.native.separation import needed_by_python
from stack.redis_users import USERS, WORKER
from stack.services import CRON_SCHEDULER, LONG_RUNNING_WORKER, REDIS, SHORT_RUNNING_WORKER
from tests.harness import stack_jobs as jobs
from tests.harness.surface import secret_files, secrets_of

pytestmark = [
    pytest.mark.e2e(seconds=45),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as other users"),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

UNWORKED = "unworked"
IMPORTED_BY_SERVICES = (
    "rq_mon/exporter/app.py",
    "rq_mon/web/app.py",
    "grafana/viewer/app.py",
    "scheduler/supervised_worker.py",
    "demo/jobs.py",
    "cron_jobs.py",
)
RECEIVERS = """receivers:
  - name: critical
    slack_configs: [{api_url_file: slack-url, channel: "#ops"}]
  - name: warning
  - name: watchdog
"""


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    above = tmp_path_factory.mktemp("closed")
    copy = NativeStack(project_root, above / "clone")
    mine = copy.directory / "mine"
    mine.mkdir()
    (mine / "receivers.yml").write_text(RECEIVERS)
    (mine / "slack-url").write_text("https://hooks.slack.example/secret")
    (copy.directory / ".env").write_text("ALERT_RECEIVERS_DIR=./mine\nSCRAPE_TARGETS_DIR=./mine\n")
    yield copy
    copy.remove()


def users_of(stack: NativeStack) -> dict[str, set[str]]:
    """The owner of each service's processes, including supervisord."""
    found: dict[str, set[str]] = {}
    for process in stack.processes():
        name = process.environ().get(SERVICE_NAME, "supervisord")
        found.setdefault(name, set()).add(process.username())
    return found


def result_of(stack: NativeStack, job_id: str) -> object:
    with connect(stack.redis_url()) as redis:
        wait_until(lambda: Job.fetch(job_id, redis).get_status() is JobStatus.FINISHED, "the job to finish")
        return Job.fetch(job_id, redis).return_value()


@pytest.fixture(scope="module")
def waiting(stack: NativeStack) -> str:
    """A job from the time when root ran everything: its folder was closed, and the start reports that."""
    stack.directory.chmod(0o700)
    started = stack.make("start-rq-mon")
    stack.directory.chmod(0o755)

    assert started.returncode == 0, started.stdout
    says = [line for line in started.stdout.splitlines() if "can read every password" in line]
    assert says == [
        f"Jobs run as the same user as all services, and can read every password: {WORKERS_USER} cannot read"
        f" {stack.directory}/.venv/bin/python."
    ]
    assert set.union(*users_of(stack).values()) == {"root"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RQ_REDIS_URL", stack.redis_url())
        return job_scheduler(jobs.succeed, queue_name=UNWORKED).id


def test_services_that_ran_as_root_are_restarted_as_users_who_own_their_data(
    stack: NativeStack, waiting: str
) -> None:
    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert "Restarting everything: its users, or what they can read, changed" in started.stdout
    assert "can read every password" not in started.stdout
    users = users_of(stack)
    assert users.pop("supervisord") == {"root"}
    runs_jobs = {service.name for service in (SHORT_RUNNING_WORKER, LONG_RUNNING_WORKER, CRON_SCHEDULER)}
    assert {name for name, names in users.items() if names == {WORKERS_USER}} == runs_jobs
    assert {name for name, names in users.items() if names == {SERVICES_USER}} == users.keys() - runs_jobs
    with connect(stack.redis_url()) as redis:
        assert Queue(UNWORKED, connection=redis).get_job_ids() == [waiting]
    data = [path for name in users.keys() - runs_jobs for path in (stack.state / name).rglob("*")]
    assert (stack.state / REDIS.name / "appendonlydir") in data
    assert {path.owner() for path in data} == {SERVICES_USER}
    imported = [Path(cache_from_source(str(stack.directory / name))) for name in IMPORTED_BY_SERVICES]
    assert [path for path in imported if not path.exists()] == []  # their users cannot write it


def test_a_job_can_read_no_password_but_its_own(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())
    assert stack.make("backup", FILE=str(stack.directory / "backup.zip")).returncode == 0
    own = stack.state / WORKERS_USER / WORKER.secret
    handed = [path for path in (stack.state / SERVICES_USER).rglob("*") if path.is_file()]
    others = [process.pid for process in stack.processes() if process.username() != WORKERS_USER]
    closed = [
        *secret_files(stack),
        *handed,
        *(stack.state / "logs").iterdir(),
        *(stack.state / REDIS.name).rglob("*.aof"),
        *(stack.state / name for name in ("supervisord.conf", "supervisor.sock", "redis/users.acl")),
        *(stack.directory / name for name in (".env", "mine/receivers.yml", "mine/slack-url", "backup.zip")),
        stack.directory / ".rq-mon" / "lock",
        *(Path(f"/proc/{pid}/environ") for pid in others),
    ]
    assert {path.name for path in handed} >= {user.secret for user in USERS} - {WORKER.secret}
    assert len(others) > 5

    job = job_scheduler(jobs.read_all, function_args=[[str(path) for path in (*closed, own)]])
    found = result_of(stack, job.id)

    assert isinstance(found, dict)
    assert found.pop(str(own)) == secrets_of(stack)[WORKER.secret]
    assert {path: outcome for path, outcome in found.items() if outcome != "PermissionError"} == {}
    assert len(found) == len(set(closed)) > 20


def test_services_restarted_or_added_later_have_their_users_too(stack: NativeStack) -> None:
    before = stack.numbers()

    assert stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3").returncode == 0
    assert stack.make("restart", SERVICE=REDIS.name).returncode == 0

    assert stack.numbers()[REDIS.name] != before[REDIS.name]
    users = users_of(stack)
    assert users[REDIS.name] == {SERVICES_USER}
    assert users[f"{SHORT_RUNNING_WORKER.name}-3"] == {WORKERS_USER}


def test_a_user_other_than_root_gets_one_note_and_runs_everything(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Python may be below a closed folder, so this user also runs where that is open."""
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy") / "clone")
    mine = Account("daemon", 1, 1)
    subprocess.run(["chown", "-R", "daemon", copy.directory], check=True)
    enter = entering(
        plan(
            [*needed_by_python(), copy.directory, (copy.directory / ".venv").resolve()], Accounts(mine, mine)
        )
    )

    def become() -> None:
        enter()
        os.setgroups([])
        os.setgid(mine.gid)
        os.setuid(mine.uid)

    python = str(copy.directory / ".venv/bin/python")
    started = subprocess.run(
        [python, "-m", "stack", "start"],
        cwd=copy.directory,
        env=copy.environment,
        preexec_fn=become,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    users = users_of(copy)
    copy.remove()

    assert started.returncode == 0, started.stdout + started.stderr
    says = [line for line in started.stdout.splitlines() if "can read every password" in line]
    assert says == [
        "Jobs run as the same user as all services, and can read every password:"
        " only root can start them as other users."
    ]
    assert set.union(*users.values()) == {"daemon"}
