"""Why services and jobs cannot have users of their own, in words that say what to change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack.settings import PROJECT_ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as other users"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv here"),
]

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


@pytest.mark.parametrize(
    ("capability", "why"),
    [
        (
            "sys_admin",
            " is closed to other users, and this machine gives root no mount namespace to show them",
        ),
        ("setuid", "root cannot start a process as rq-mon on this machine"),
    ],
)
def test_a_machine_that_takes_rights_from_root_is_named_as_the_reason(
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
