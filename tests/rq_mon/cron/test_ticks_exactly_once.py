"""Two cron schedulers, killed and restarted at random during a hundred ticks of a one-second schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rq_mon.cron.hundred_ticks import TICKS, HundredTicks


@pytest.fixture
def hundred_ticks(tmp_path: Path) -> Iterator[HundredTicks]:
    run = HundredTicks(tmp_path)
    run.start()
    yield run
    run.abort()


@pytest.mark.e2e(seconds=TICKS)
def test_each_tick_gets_one_job(hundred_ticks: HundredTicks) -> None:
    hundred_ticks.wait()

    job_ids = hundred_ticks.job_ids()
    assert [job_id for job_id, times in Counter(job_ids).items() if times > 1] == []
    assert len(job_ids) >= TICKS

    ticks = [int(job_id.removeprefix("second-")) for job_id in job_ids]
    assert ticks == sorted(ticks)
    without_job = set(range(ticks[0], ticks[-1] + 1)) - set(ticks)
    # If the machine hangs for a second, two ticks are due at once, and one job runs for both.
    assert hundred_ticks.tick_counts() == {
        "second:enqueued": len(ticks),
        "second:coalesced": len(without_job),
        "second:missed": 0,
        "second:failed": 0,
    }
    assert len(without_job) <= TICKS // 10
    assert len(hundred_ticks.signals) >= 10
