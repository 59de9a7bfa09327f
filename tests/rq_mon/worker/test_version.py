"""A worker reports the version of its code: the setting, or the commit of the git checkout."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq_mon.catalogue import WORKER_VERSION_FIELD
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from rq_mon.worker.version import version_of_code
from tests.harness.workers import StartWorker

LOG = logging.getLogger("rq.worker")
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(folder: Path, *command: str) -> str:
    done = subprocess.run([*GIT, *command], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RQ_MON_VERSION", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with two commits."""
    folder = tmp_path / "shop"
    (folder / "deep" / "down").mkdir(parents=True)
    git(folder, "init", "--initial-branch", "release/1")
    for message in ("one", "two"):
        git(folder, "commit", "--allow-empty", "--message", message)
    return folder


@pytest.mark.parametrize("kind", [MonitoredWorker, MonitoredSimpleWorker])
def test_a_worker_stores_its_version_in_redis(
    redis_client: Redis, start_worker: StartWorker, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_MON_VERSION", " shop 1.4.2-β ")

    worker = start_worker("mail", kind=kind)

    version: Any = redis_client.hget(worker.key, WORKER_VERSION_FIELD)
    assert version == "shop 1.4.2-β".encode()


def test_a_worker_without_a_version_reports_none(redis_client: Redis, start_worker: StartWorker) -> None:
    worker = start_worker("mail")

    assert not redis_client.hexists(worker.key, WORKER_VERSION_FIELD)
    assert redis_client.hexists(worker.key, "birth")


def on_a_branch(checkout: Path) -> Path:
    return checkout / "deep" / "down"


def with_packed_refs(checkout: Path) -> Path:
    git(checkout, "pack-refs", "--all")
    return checkout


def without_a_branch(checkout: Path) -> Path:
    git(checkout, "checkout", "--detach", "HEAD~1")
    return checkout


def in_a_further_work_tree(checkout: Path) -> Path:
    git(checkout, "worktree", "add", "-b", "other", "../other", "HEAD~1")
    return checkout.parent / "other"


@pytest.mark.needs("git")
@pytest.mark.parametrize("place", [on_a_branch, with_packed_refs, without_a_branch, in_a_further_work_tree])
def test_the_commit_of_the_checkout_is_the_default(
    checkout: Path, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place(checkout)
    monkeypatch.chdir(folder)

    assert version_of_code(LOG) == git(folder, "rev-parse", "HEAD")[:7] != ""


def no_commit_yet(git_folder: Path) -> None:
    (git_folder / "HEAD").write_text("ref: refs/heads/main\n")


def no_hash(git_folder: Path) -> None:
    (git_folder / "HEAD").write_text("../../etc/passwd\n")


def no_text(git_folder: Path) -> None:
    (git_folder / "HEAD").write_bytes(b"\xff\xfe")


def no_folder(git_folder: Path) -> None:
    git_folder.rmdir()
    git_folder.write_text("gitdir: /nowhere\n")


def no_commit_yet_on_this_branch(git_folder: Path) -> None:
    (git_folder / "HEAD").write_text("ref: refs/heads/main\n")
    (git_folder / "packed-refs").write_text(f"# pack-refs with: peeled\n{'a' * 40} refs/heads/other\n")


@pytest.mark.parametrize("spoil", [no_commit_yet, no_commit_yet_on_this_branch, no_hash, no_text, no_folder])
def test_a_folder_outside_a_checkout_has_no_commit(tmp_path: Path, spoil: Any) -> None:
    (tmp_path / ".git").mkdir()
    spoil(tmp_path / ".git")

    assert version_of_code(LOG) == ""


def test_a_deleted_working_directory_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert version_of_code(LOG) == ""


@pytest.mark.needs("git")
@pytest.mark.parametrize("bad", ["1" * 101, "one\ntwo", "nul\x7f", "\udcff"])
def test_an_invalid_version_is_logged_and_the_commit_reported(
    checkout: Path, bad: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(checkout)
    commit = version_of_code(LOG)
    monkeypatch.setenv("RQ_MON_VERSION", bad)

    assert version_of_code(LOG) == commit != ""
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith(f"RQ_MON_VERSION: expected at most 100 printable characters, got {bad!r}")
    assert message.endswith(f"{commit} is reported")


def test_a_version_may_have_100_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RQ_MON_VERSION", "ü" * 100)

    assert version_of_code(LOG) == "ü" * 100
