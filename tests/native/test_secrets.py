"""Passwords: made once, for their owner's eyes only."""

from __future__ import annotations

from pathlib import Path

from native.secrets import ensure_secret


def test_a_secret_is_long_and_stays_the_same(tmp_path: Path) -> None:
    first = ensure_secret(tmp_path / "secrets", "password").read_text()
    second = ensure_secret(tmp_path / "secrets", "password").read_text()

    assert len(first) >= 32
    assert second == first


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert ensure_secret(tmp_path, "one").read_text() != ensure_secret(tmp_path, "two").read_text()


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = ensure_secret(tmp_path / "secrets", "password")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_an_interrupted_start_left_is_not_taken_for_a_secret(tmp_path: Path) -> None:
    (tmp_path / "password.draft").write_text("half")

    assert ensure_secret(tmp_path, "password").read_text() != "half"
