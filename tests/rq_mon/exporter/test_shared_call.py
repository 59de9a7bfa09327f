"""One thread for a hanging call, however many wait for it."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from traceback import walk_stack
from types import CodeType

import pytest

from proofs.harness.waiting import wait_until
from rq_mon.exporter.shared_call import SharedCall


def test_result_and_error_of_the_call_reach_the_caller() -> None:
    assert SharedCall(lambda: 42).result(within=60) == 42

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        SharedCall(fail).result(within=60)


def test_a_call_after_the_end_of_the_last_starts_a_new_one() -> None:
    calls: list[None] = []
    shared = SharedCall(lambda: calls.append(None))

    shared.result(within=60)
    shared.result(within=60)

    assert len(calls) == 2


class Hanging:
    """A call that hangs until it is released."""

    def __init__(self) -> None:
        self.calls = 0
        self.release = threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        self.release.wait(30)
        return self.calls


def threads_waiting_in(code: CodeType) -> int:
    """Return how many threads are running the code of a function."""
    threads = list(sys._current_frames().values())
    return sum(any(frame.f_code is code for frame, _ in walk_stack(innermost)) for innermost in threads)


def test_callers_during_a_call_share_its_result() -> None:
    hanging = Hanging()
    shared = SharedCall(hanging)

    with ThreadPoolExecutor(10) as pool:
        results = [pool.submit(shared.result, 30) for _ in range(10)]
        wait_until(lambda: threads_waiting_in(Future.result.__code__) == 10, "ten to wait for the call")
        hanging.release.set()

    assert {result.result() for result in results} == {1}


def test_no_caller_waits_longer_than_requested_or_starts_a_second_call() -> None:
    hanging = Hanging()
    shared = SharedCall(hanging)
    before = set(threading.enumerate())

    for _ in range(5):
        with pytest.raises(TimeoutError):
            shared.result(within=0.01)

    assert hanging.calls == 1
    (thread,) = set(threading.enumerate()) - before
    hanging.release.set()
    wait_until(lambda: not thread.is_alive(), "the thread to end")
    assert shared.result(within=60) == 2
