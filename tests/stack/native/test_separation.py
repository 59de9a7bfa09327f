"""Separate users for services and jobs: what they change, and why they may be impossible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack.native.accounts import Account, Accounts
from stack.native.separation import Separation
from stack.settings import PROJECT_ROOT

NOTE = """
import sys
from pathlib import Path
from stack.native.separation import separate
from stack.settings import load_settings
print(separate(load_settings({}, Path("no.env")), Path(sys.argv[1])).note())
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "closed" / "state" / "native"
    state.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    return state


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as other users")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv here")
@pytest.mark.parametrize(
    ("capability", "why"),
    [
        (
            "sys_admin",
            " is closed to other users, and root cannot create a mount namespace here to show them",
        ),
        ("setuid", "root cannot start a process as rq-mon on this machine"),
    ],
)
def test_the_reason_names_the_right_that_root_lacks_on_this_machine(
    state: Path, capability: str, why: str
) -> None:
    result = subprocess.run(
        ["setpriv", "--bounding-set", f"-{capability}", sys.executable, "-c", NOTE, str(state)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    (line,) = result.stdout.splitlines()
    assert line.startswith("Jobs run as the same user as all services, and can read every password: ")
    assert why in line
    assert state.stat().st_mode & 0o777 == 0o700


ALONE = Separation(None, {}, "reason")
SEPARATE = Separation(Accounts(Account("rq-mon", 990, 990), Account("rq-mon-worker", 991, 991)), {})


def reaching(*names: str) -> Separation:
    return Separation(SEPARATE.accounts, {Path("/root"): tuple(Path("/root") / name for name in names)})


@pytest.mark.parametrize(
    ("now", "before", "goes_on"),
    [
        (ALONE, ALONE, True),
        (SEPARATE, ALONE, False),
        (ALONE, SEPARATE, False),
        (SEPARATE, SEPARATE, True),
        (reaching("clone"), SEPARATE, False),
        (reaching("clone"), reaching("clone", "other"), True),
        (reaching("clone", "other"), reaching("clone"), False),
    ],
)
def test_running_processes_stay_only_if_their_users_and_readable_folders_are_unchanged(
    now: Separation, before: Separation, goes_on: bool
) -> None:
    assert now.fits(before.record()) is goes_on
