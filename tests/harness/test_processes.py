"""If a process does not end in time, the test shows its log."""

from __future__ import annotations

import pytest

from tests.harness.processes import Start

DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("I stay", flush=True)
signal.pause()
"""


def test_a_process_that_ignores_a_signal_is_shown_with_its_log(start: Start) -> None:
    process = start("-c", DEAF)
    process.wait_for_log("I stay")

    with pytest.raises(AssertionError, match="I stay"):
        process.stop(within=0.1)
