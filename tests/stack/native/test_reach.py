"""Who can read what is below a closed folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.native.accounts import Accounts, ensure_accounts
from stack.native.reach import Enclosure, plan, unreadable

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as other users"),
]


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    return ensure_accounts()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A closed folder below an open one, with two clones, each with a file."""
    home = tmp_path / "home"
    for name in ("clone", "other"):
        (home / name / "code").mkdir(parents=True)
        (home / name / "code" / "job.py").write_text("pass")
        (home / name / "code" / "private").touch(mode=0o600)
    home.chmod(0o700)
    return home


def read_in(enclosure: Enclosure, accounts: Accounts, *paths: Path) -> list[Path]:
    refused = [unreadable(paths, account, enclosure) for account in (accounts.services, accounts.workers)]
    assert refused[0] == refused[1]
    return [path for path in paths if path not in refused[0]]


def test_only_needed_files_below_a_closed_folder_become_readable(home: Path, accounts: Accounts) -> None:
    code, other = (home / name / "code" / "job.py" for name in ("clone", "other"))
    private = code.with_name("private")

    enclosure = plan([home / "clone", home / "clone" / "code"], accounts)

    assert [path for paths in enclosure.values() for path in paths] == [home / "clone"]
    assert read_in(enclosure, accounts, code, other, private) == [code]
    assert read_in({}, accounts, code, other, private) == []


def test_nothing_changes_for_the_rest_of_the_machine(home: Path, accounts: Accounts) -> None:
    enclosure = plan([home / "clone"], accounts)

    unreadable([home], accounts.workers, enclosure)

    assert sorted(path.name for path in home.iterdir()) == ["clone", "other"]
    assert not any(str(home) in line for line in Path("/proc/self/mounts").read_text().splitlines())


def test_single_files_and_links_become_readable(home: Path, accounts: Accounts) -> None:
    file, link = home / "objectives.yml", home / "python"
    file.write_text("default: {}")
    link.symlink_to(home / "other")

    enclosure = plan([file, link], accounts)

    assert read_in(enclosure, accounts, file, link / "code" / "job.py") == [file, link / "code" / "job.py"]
    assert read_in(enclosure, accounts, home / "clone" / "code" / "job.py") == []


def test_a_needed_folder_that_is_closed_itself_stays_closed(home: Path, accounts: Accounts) -> None:
    (home / "clone").chmod(0o700)
    code = home / "clone" / "code" / "job.py"

    assert read_in(plan([home / "clone"], accounts), accounts, code) == []


def test_nothing_is_mounted_if_no_folder_is_closed(accounts: Accounts) -> None:
    assert plan([Path("/usr/bin"), Path("/etc/passwd")], accounts) == {}
