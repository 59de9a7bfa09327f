"""Missing programs: who may install them, the command shown to others, and what does not change."""

from __future__ import annotations

import multiprocessing
import os
import stat
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from stack.native.debian import REFUSE_STARTS, ensure_installed, no_service_starts
from stack.native.programs import NEEDED, REDIS_SERVER, Program, missing
from stack.runtime import StackError

UNPRIVILEGED = 65534
ABSENT = Program(("no-such-server", "nor-this-one"), ("no-such-package",))


def message_for_an_unprivileged_user(sender: Connection) -> None:
    if os.getuid() == 0:
        os.setuid(UNPRIVILEGED)
    try:
        ensure_installed([ABSENT, REDIS_SERVER])
    except StackError as error:
        sender.send(str(error))
    else:
        sender.send("nothing was raised")


def test_shows_the_command_to_a_user_who_may_not_install() -> None:
    receiver, sender = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=message_for_an_unprivileged_user, args=(sender,)
    )
    process.start()
    message = receiver.recv()
    process.join()

    first, second = message.splitlines()
    assert first == "Not installed: no-such-server or nor-this-one, redis-server or valkey-server"
    if Path("/usr/bin/apt-get").exists():
        assert second == "Run: sudo apt-get install --no-install-recommends no-such-package redis-server"
    else:
        assert second


def test_nothing_is_installed_if_nothing_is_missing() -> None:
    ensure_installed([])


def test_the_first_installed_name_of_a_program_is_used() -> None:
    assert Program(("no-such-server", "sh"), ()).path().endswith("/sh")
    assert missing([ABSENT, Program(("sh",), ())]) == [ABSENT]


def test_every_needed_program_is_available_on_debian() -> None:
    for program in NEEDED:
        assert program.debian_packages


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "policy-rc.d"


def test_services_may_not_start_while_packages_are_installed(policy: Path) -> None:
    with no_service_starts(policy):
        assert policy.read_text() == REFUSE_STARTS
        assert stat.S_IMODE(policy.stat().st_mode) == 0o755

    assert not policy.exists()


def test_services_may_start_again_after_a_failed_installation(policy: Path) -> None:
    with pytest.raises(StackError), no_service_starts(policy):
        raise StackError("apt-get install failed")

    assert not policy.exists()


def test_the_policy_of_an_interrupted_installation_is_removed(policy: Path) -> None:
    policy.write_text(REFUSE_STARTS)

    with no_service_starts(policy):
        pass

    assert not policy.exists()


def test_a_policy_of_the_user_is_kept(policy: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 0\n")

    with no_service_starts(policy):
        assert policy.read_text() == "#!/bin/sh\nexit 0\n"

    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
