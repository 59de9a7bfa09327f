from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests.rq_mon.cron.hundred_ticks import HundredTicks

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def hundred_ticks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HundredTicks]:
    """A run that takes a hundred seconds; see `_begin_hundred_ticks`."""
    run = HundredTicks(tmp_path_factory.mktemp("hundred-ticks"))
    run.start()
    yield run
    run.abort()


@pytest.fixture(scope="session", autouse=True)
def _begin_hundred_ticks(request: pytest.FixtureRequest) -> None:
    """Let the longest test of this folder run while the others do, if it is to run at all."""
    if any("hundred_ticks" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("hundred_ticks")
