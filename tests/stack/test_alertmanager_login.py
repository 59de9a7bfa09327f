"""Alertmanager's login: created once, stored as a hash, and never in a command line."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest
import yaml

from stack.alertmanager_login import HASH, PASSWORD, USER, write_client_config, write_web_config
from stack.compose.runtime import AMTOOL_OPTIONS
from stack.runtime import StackError
from stack.secrets import read_secret
from stack.services import ALERTMANAGER
from tests.harness.compose_files import compose_file


def users(path: Path, secrets: Path) -> dict[str, str]:
    write_web_config(path, secrets)
    users: dict[str, str] = yaml.safe_load(path.read_text())["basic_auth_users"]
    return users


def test_alertmanager_gets_a_hash_of_the_generated_password(tmp_path: Path) -> None:
    found = users(tmp_path / "web.yml", tmp_path / "secrets")

    password = read_secret(tmp_path / "secrets", PASSWORD)
    assert len(password) >= 32
    assert found.keys() == {USER}
    assert bcrypt.checkpw(password.encode(), found[USER].encode())
    assert password not in (tmp_path / "web.yml").read_text()


def test_a_later_start_writes_an_identical_file_so_nothing_restarts(tmp_path: Path) -> None:
    first = users(tmp_path / "web.yml", tmp_path / "secrets")

    assert users(tmp_path / "elsewhere.yml", tmp_path / "secrets") == first


@pytest.mark.parametrize("left", ["the hash of the old password", "nothing", "no hash"])
def test_another_password_gets_another_hash(tmp_path: Path, left: str) -> None:
    old = users(tmp_path / "web.yml", tmp_path)[USER]
    (tmp_path / PASSWORD).write_text("another\n")
    if left != "the hash of the old password":
        (tmp_path / HASH).write_text("" if left == "nothing" else "$2b$10$short")

    new = users(tmp_path / "web.yml", tmp_path)[USER]

    assert not bcrypt.checkpw(b"another", old.encode())
    assert bcrypt.checkpw(b"another", new.encode())


def test_a_password_longer_than_bcrypt_reads_is_refused_by_its_file(tmp_path: Path) -> None:
    (tmp_path / PASSWORD).write_text("é" * 37)

    with pytest.raises(StackError, match=r"/alertmanager-password: expected at most 72 bytes, got 74"):
        write_web_config(tmp_path / "web.yml", tmp_path)


def test_only_the_owner_can_read_the_written_files(tmp_path: Path) -> None:
    write_web_config(tmp_path / "web.yml", tmp_path / "secrets")
    write_client_config(tmp_path / "amtool.yml", tmp_path / "secrets" / PASSWORD)

    files = [*(tmp_path / "secrets").iterdir(), tmp_path / "web.yml", tmp_path / "amtool.yml"]
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_the_containers_health_check_logs_in_like_users_of_amtool() -> None:
    definition = compose_file(ALERTMANAGER.compose_file)["services"][ALERTMANAGER.name]
    _, program, *words = definition["healthcheck"]["test"]

    assert program == "amtool"
    assert tuple(words[:2]) == AMTOOL_OPTIONS
