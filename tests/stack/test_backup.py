"""A backup is complete, or it is refused before anything changes."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import cast

import pytest
from redis import Redis

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from stack.backup import MANIFEST, back_up, check, restore
from stack.native.runtime import NativeRuntime
from stack.runtime import StackError
from stack.services import PROMETHEUS, REDIS
from stack.settings import StackSettings, load_settings
from tests.harness.hostile_archives import HOSTILE

BASE = "appendonlydir/appendonly.aof.1.base.rdb"
INCREMENT = "appendonlydir/appendonly.aof.1.incr.aof"
REDIS_FILES = {
    MANIFEST: "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
    BASE: "base",
    INCREMENT: "increment",
}
NAMES = ("redis.tar", "prometheus.tar")
PROMETHEUS_FILES = {"01BLOCK/meta.json": "{}", "wal/00000001": "samples"}


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return load_settings({}, tmp_path / ".env")


@pytest.fixture
def runtime(settings: StackSettings, tmp_path: Path) -> NativeRuntime:
    """A stopped stack with data."""
    runtime = NativeRuntime(settings, tmp_path / "native")
    put(runtime.context.data(REDIS), REDIS_FILES)
    put(runtime.context.data(PROMETHEUS), PROMETHEUS_FILES)
    return runtime


def put(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_restore_brings_back_exactly_the_backed_up_data(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    file = tmp_path / "backups" / "one.zip"
    back_up(runtime, settings, file)
    put(runtime.context.data(REDIS), {BASE: "later", "appendonlydir/appendonly.aof.2.incr.aof": "later"})
    put(runtime.context.data(PROMETHEUS), {"wal/00000002": "later"})

    check(file, settings)
    restore(runtime, settings, file)

    assert files_in(runtime.context.data(REDIS)) == REDIS_FILES
    assert files_in(runtime.context.data(PROMETHEUS)) == PROMETHEUS_FILES


def test_a_backup_is_one_file_that_only_its_owner_can_read(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    file = tmp_path / "backups" / "one.zip"

    back_up(runtime, settings, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_an_existing_file_is_not_overwritten(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    file = tmp_path / "one.zip"
    file.write_text("mine")

    with pytest.raises(StackError, match=r"one\.zip: expected the name of a new file, but it exists"):
        back_up(runtime, settings, file)

    assert file.read_text() == "mine"


def test_data_with_missing_files_are_not_backed_up(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    (runtime.context.data(REDIS) / BASE).unlink()

    with pytest.raises(
        StackError, match=r"cannot copy the data of redis: appendonly\.aof\.1\.base\.rdb is missing"
    ):
        back_up(runtime, settings, tmp_path / "one.zip")

    assert not (tmp_path / "one.zip").exists()


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def replace_by_text(file: Path) -> None:
    file.write_text("no archive")


def remove(file: Path) -> None:
    file.unlink()


def take_out_prometheus(file: Path) -> None:
    rewrite(file, {"redis.tar": entry(file, "redis.tar")})


def replace_redis_by_no_tar(file: Path) -> None:
    rewrite(file, {"redis.tar": b"no tar file", "prometheus.tar": entry(file, "prometheus.tar")})


def add_a_file_outside(file: Path) -> None:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    rewrite(file, {"redis.tar": entry(file, "redis.tar"), "prometheus.tar": output.getvalue()})


def entry(file: Path, name: str) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read(name)


def rewrite(file: Path, entries: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut_off, r"one\.zip: expected a backup: File is not a zip file"),
        (replace_by_text, r"one\.zip: expected a backup: File is not a zip file"),
        (remove, r"one\.zip: expected a backup: No such file or directory"),
        (take_out_prometheus, "expected a backup of prometheus.tar, redis.tar, it holds redis.tar"),
        (replace_redis_by_no_tar, r"one\.zip: expected a backup: "),
        (add_a_file_outside, r"prometheus\.tar: expected files and folders, got '\.\./outside'"),
    ],
)
def test_an_incomplete_backup_is_refused(
    runtime: NativeRuntime,
    settings: StackSettings,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    message: str,
) -> None:
    file = tmp_path / "one.zip"
    back_up(runtime, settings, file)
    spoil(file)

    with pytest.raises(StackError, match=message):
        check(file, settings)


@pytest.mark.parametrize("packed", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_before_anything_is_touched(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path, packed: bytes
) -> None:
    file = tmp_path / "one.zip"
    back_up(runtime, settings, file)
    rewrite(file, {"redis.tar": entry(file, "redis.tar"), "prometheus.tar": packed})

    with pytest.raises(StackError, match=r"prometheus\.tar: expected "):
        check(file, settings)

    assert files_in(runtime.context.data(PROMETHEUS)) == PROMETHEUS_FILES


def test_no_damaged_data_are_restored(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    file = tmp_path / "one.zip"
    back_up(runtime, settings, file)
    whole, content = file.read_bytes(), [entry(file, name) for name in NAMES]
    refused = 0
    for position in range(0, len(whole), 5):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            check(file, settings)
        except StackError:
            refused += 1
        else:  # such as a date, which is not read
            assert [entry(file, name) for name in NAMES] == content
    assert refused > len(whole) / 5 / 2


def test_a_backup_that_cannot_be_unpacked_leaves_the_data_as_it_was(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    file = tmp_path / "one.zip"
    back_up(runtime, settings, file)
    rewrite(file, {"redis.tar": b"no tar file", "prometheus.tar": entry(file, "prometheus.tar")})

    with pytest.raises(StackError, match="The data of redis is unchanged"):
        restore(runtime, settings, file)

    assert files_in(runtime.context.data(REDIS)) == REDIS_FILES


FAULTY = """#!/bin/sh
echo >>"$CALLS"
if [ "$(wc -l <"$CALLS")" = "$FAILS_AT" ]; then eval "$FAILURE"; exit 1; fi
exec {program} "$@"
"""
FAILURES = {"fails": "", "is killed": "kill -9 $PPID"}


@pytest.fixture
def break_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], None]:
    """Make the n-th program of a script fail, or kill the script there."""
    folder = tmp_path / "faulty"
    folder.mkdir()
    for name in ("mv", "mkdir", "rmdir", "rm", "tar"):
        (folder / name).write_text(FAULTY.format(program=shutil.which(name)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def break_at(call: int, failure: str) -> None:
        (tmp_path / "calls").write_text("")
        monkeypatch.setenv("FAILS_AT", str(call))
        monkeypatch.setenv("FAILURE", failure)

    return break_at


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_restore_that_fails_at_any_step_leaves_either_the_old_or_the_new_data(
    runtime: NativeRuntime,
    settings: StackSettings,
    tmp_path: Path,
    break_at: Callable[[int, str], None],
    failure: str,
) -> None:
    """The next restore undoes an interrupted one, unless that was complete."""
    data, file, damaged = runtime.context.data(PROMETHEUS), tmp_path / "one.zip", tmp_path / "damaged.zip"
    break_at(0, failure)
    back_up(runtime, settings, file)
    shutil.copy(file, damaged)
    rewrite(damaged, {"redis.tar": entry(file, "redis.tar"), "prometheus.tar": b"no tar file"})
    before = {"wal/00000002": "later", "lock": "", ".hidden": "later"}
    found = []
    for call in itertools.count(10):  # the first nine are those of Redis
        shutil.rmtree(data)
        put(data, before)
        break_at(call, failure)
        with contextlib.suppress(StackError):
            restore(runtime, settings, file)
        reached = len((tmp_path / "calls").read_text())
        if failure != FAILURES["fails"]:
            break_at(0, failure)
            with pytest.raises(StackError, match="The data of prometheus is unchanged"):
                restore(runtime, settings, damaged)
        found.append({name: text for name, text in files_in(data).items() if ".discarded/" not in name})
        if reached < call:
            break

    assert all(files in (before, PROMETHEUS_FILES) for files in found)
    assert found[0] == before
    assert found[-1] == PROMETHEUS_FILES
    assert len(found) > 8


def test_a_backup_of_an_empty_folder_is_restored_as_an_empty_folder(
    runtime: NativeRuntime, settings: StackSettings, tmp_path: Path
) -> None:
    file, data = tmp_path / "one.zip", runtime.context.data(PROMETHEUS)
    shutil.rmtree(data)
    data.mkdir()
    back_up(runtime, settings, file)
    put(data, PROMETHEUS_FILES)

    restore(runtime, settings, file)

    assert list(data.iterdir()) == []


class Writer(Thread):
    """Writes two keys in one transaction, again and again: one counts, the other grows."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.written = 0
        self.stopping = Event()

    def run(self) -> None:
        with Redis(port=self.port) as redis:
            while not self.stopping.is_set():
                with redis.pipeline() as transaction:
                    transaction.incr("first").rpush("second", "x" * 100).execute()
                self.written += 1

    def write_more(self) -> None:
        before = self.written
        wait_until(lambda: self.written > before + 300, "the writer to write")

    def stop(self) -> None:
        self.stopping.set()
        self.join()


@pytest.mark.slow
@pytest.mark.needs("redis-server")
def test_a_backup_of_a_busy_redis_is_its_state_at_one_moment(settings: StackSettings, tmp_path: Path) -> None:
    """It contains whole transactions, and all that came before each of them."""
    runtime = NativeRuntime(settings, tmp_path / "native")
    data = runtime.context.data(REDIS)
    options = ("--appendonly", "yes", "--auto-aof-rewrite-min-size", "100kb")
    with RedisServer(data, *options, "--auto-aof-rewrite-percentage", "1") as server:
        put(runtime.context.data(PROMETHEUS), PROMETHEUS_FILES)
        writer = Writer(server.port)
        writer.start()
        try:
            for number in range(5):
                writer.write_more()
                back_up(runtime, settings, tmp_path / f"{number}.zip")
        finally:
            writer.stop()
        with Redis(port=server.port) as redis:
            assert cast("dict[str, int]", redis.info("persistence"))["aof_rewrites"] > 0

    for number in range(5):
        restore(runtime, settings, tmp_path / f"{number}.zip")
        with RedisServer(data, *options) as server, Redis(port=server.port) as redis:
            first, second = cast("bytes", redis.get("first")), redis.llen("second")
        assert int(first) == second > 0
