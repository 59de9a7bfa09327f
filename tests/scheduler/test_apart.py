"""Signals that arrive just when a separate process has ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from rq.exceptions import StopRequested
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from scheduler.apart import EndedBadlyError, run_apart

SetSignal = Callable[[Callable[[], None]], None]


@pytest.fixture
def at_the_end(monkeypatch: pytest.MonkeyPatch) -> SetSignal:
    """Run something right after the kernel has reported the end of the child."""

    def install(act: Callable[[], None]) -> None:
        def waitpid(child: int, options: int) -> tuple[int, int]:
            answer = os_waitpid(child, options)
            if answer[0] == child:
                act()
            return answer

        os_waitpid = os.waitpid
        monkeypatch.setattr(os, "waitpid", waitpid)

    return install


@pytest.fixture
def handler_of_sigterm() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


def alarm_comes() -> None:
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        signal.raise_signal(signal.SIGALRM)


def test_rqs_alarm_after_the_end_of_a_callback_is_ignored(at_the_end: SetSignal) -> None:
    at_the_end(alarm_comes)

    with UnixSignalDeathPenalty(60, JobTimeoutException):  # type: ignore[no-untyped-call]
        assert run_apart(lambda: True, 5, lambda: None)


@pytest.mark.usefixtures("handler_of_sigterm")
def test_a_worker_handles_a_stop_signal_after_the_callback_has_ended(at_the_end: SetSignal) -> None:
    at_the_end(lambda: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(StopRequested):
        run_apart(lambda: True, 5, lambda: None)


def test_no_process_is_left_of_a_killed_callback() -> None:
    before, meanwhile = children(), set[str]()

    def interrupt() -> None:
        meanwhile.update(children() - before)
        raise StopRequested

    with pytest.raises(StopRequested):
        run_apart(lambda: time.sleep(60), 60, interrupt)

    assert len(meanwhile) == 1
    assert not children() & meanwhile


def test_an_exceeded_time_limit_is_reported() -> None:
    before = children()

    with pytest.raises(EndedBadlyError, match="killed by signal 9"):
        run_apart(lambda: time.sleep(60), 0.1, lambda: None)

    assert children() == before


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
