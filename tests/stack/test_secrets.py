"""Passwords: created once, readable by their owner only, complete or missing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.runtime import StackError
from stack.secrets import ensure_secret, read_secret, write_private


def test_a_secret_is_long_and_stays_the_same(tmp_path: Path) -> None:
    first = read_secret(tmp_path / "secrets", "password")
    second = read_secret(tmp_path / "secrets", "password")

    assert len(first) >= 32
    assert second == first


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert read_secret(tmp_path, "one") != read_secret(tmp_path, "two")


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = ensure_secret(tmp_path / "secrets", "password")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    ensure_secret(tmp_path, "password")

    assert [path.name for path in tmp_path.iterdir()] == ["password"]


def test_a_temporary_file_of_an_interrupted_start_is_not_a_secret(tmp_path: Path) -> None:
    (tmp_path / ".password.xyz").write_text("half")

    assert read_secret(tmp_path, "password") != "half"


def test_an_empty_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "password").touch()

    with pytest.raises(StackError, match=r"/password: expected a password, got an empty file\. Delete it"):
        read_secret(tmp_path, "password")


def test_writing_replaces_the_file_and_open_readers_keep_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "users.acl"
    file.write_text("before")
    with file.open() as reader:
        write_private(file, "after")

        assert reader.read() == "before"
    assert file.read_text() == "after"


def test_an_up_to_date_file_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "users.acl"
    write_private(file, "text")
    before = file.stat()

    write_private(file, "text")

    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def make_open(file: Path) -> None:
    file.chmod(0o640)


def make_link(file: Path) -> None:
    target = file.rename(file.with_suffix(".target"))
    file.symlink_to(target)


def make_others(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(file, 1, 1)


def make_longer(file: Path) -> None:
    file.write_text("text\n")


@pytest.mark.parametrize("spoil", [make_open, make_link, make_others, make_longer])
def test_an_outdated_file_is_written_again(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "users.acl"
    write_private(file, "text")
    spoil(file)

    write_private(file, "text")

    found = file.lstat()
    assert (stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode)) == (stat.S_IFREG, 0o600)
    assert (found.st_uid, file.read_text()) == (os.geteuid(), "text")
