"""What `make scale` writes into `.env`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rq_mon.environment.dotenv import read_dotenv
from stack.dotenv import set_variable


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "WORKERS=5\n"),
        ("# mine\nPORT=1\n", "# mine\nPORT=1\nWORKERS=5\n"),
        ("WORKERS=2\nPORT=1", "WORKERS=5\nPORT=1\n"),
        ("#WORKERS=1\n export WORKERS = '2' # two\n", "#WORKERS=1\nWORKERS=5\n"),
    ],
)
def test_setting_a_variable_changes_nothing_else(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / ".env"
    file.write_text(before)
    file.chmod(0o640)

    set_variable(file, "WORKERS", "5")

    assert file.read_text() == after
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert read_dotenv(file)["WORKERS"] == "5"


def test_a_new_file_is_private_and_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "settings", tmp_path / ".env"
    link.symlink_to(file)

    set_variable(link, "WORKERS", "5")

    assert link.is_symlink()
    assert file.read_text() == "WORKERS=5\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [link, file]
