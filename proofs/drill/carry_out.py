"""Run one fault: break, watch, fix, watch, and wait until everything is well again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError

from proofs.drill.fault import MINUTE, Fault
from proofs.drill.inbox import Arrival, Inbox
from proofs.drill.result import Observation, Result
from proofs.drill.scale import FACTOR
from proofs.drill.screen import Screen
from proofs.drill.stack import DrillStack
from proofs.drill.true_times import WATCHDOG
from stack.runtime import StackError
from stack.services import RQ_MON_WEB, VIEWER

POLL = 0.2
RESOLVED_WITHIN = 240.0
QUIET_WITHIN = 240.0
RESEND_SECONDS = 70.0
"""Prometheus sends firing alerts to a restarted Alertmanager within a minute."""
SIGNS_OF_LIFE = 3
SIGN_OF_LIFE_SECONDS = MINUTE / FACTOR

TOO_BUSY = "this machine was too busy to tell: Prometheus could not scrape itself in time"

CANNOT_BREAK_OR_FIX = (
    AssertionError,
    OSError,
    RedisError,
    NoSuchJobError,
    StackError,
    psutil.Error,
    subprocess.SubprocessError,
)
"""Errors of the drill itself: the fault counts as failed, and the drill continues with the next."""


def carry_out(fault: Fault, stack: DrillStack, inbox: Inbox) -> Result:
    """Break the stack, and judge all alerts until it is quiet again."""
    inbox.forget()
    screen = Screen(stack, fault.only_shown)

    def arrivals() -> list[Arrival]:
        return [*screen.arrivals(), *inbox.arrivals()]

    result = Result(fault.name, fault.what, [Observation(expected) for expected in fault.expects])
    started = time.monotonic()
    try:
        with fault.injected(stack):
            injected = time.monotonic()
            _watch(lambda: _all(arrivals(), fault, _has_arrived), fault.within)
            fixing = time.monotonic()
        _watch(lambda: _all(arrivals(), fault, _is_over), RESOLVED_WITHIN)
    except CANNOT_BREAK_OR_FIX as error:
        result.problem = f"{type(error).__name__}: {error}"
        injected = fixing = started
    if not wait_until_quiet(stack):
        result.problem = f"not quiet after {QUIET_WITHIN:g} s: {_disturbances(stack)}"
    _judge(result, fault, arrivals(), injected, fixing, stack)
    _excuse(result, stack, time.monotonic() - started)
    return result


def stay_quiet(seconds: float, stack: DrillStack, inbox: Inbox) -> Result:
    """Judge the alerts under load with nothing broken: none may arrive."""
    inbox.forget()
    started = time.monotonic()
    result = Result("quiet-period", f"{seconds:g} s of the demo's load, and nothing broken")
    load = stack.python("proofs.drill.load", f"{seconds:g}")
    _watch(lambda: load.poll() is not None, seconds + 60)
    if not wait_until_quiet(stack):
        result.problem = f"not quiet after {QUIET_WITHIN:g} s: {_disturbances(stack)}"
    elif load.poll() != 0:
        load.kill()
        result.problem = f"the load ended with exit code {load.wait()}"
    result.false_alarms = [arrival.name for arrival in inbox.arrivals()]
    _excuse(result, stack, time.monotonic() - started)
    return result


def check_signs_of_life(inbox: Inbox) -> Result:
    """Judge whether Watchdog arrives, and often enough."""
    result = Result("signs-of-life", f"Signs of life, one in {SIGN_OF_LIFE_SECONDS:g} s")
    if not _watch(lambda: inbox.watchdogs() > 0, RESEND_SECONDS):
        result.problem = f"{WATCHDOG} did not arrive"
        return result
    before, started = inbox.watchdogs(), time.monotonic()
    _watch(lambda: inbox.watchdogs() >= before + SIGNS_OF_LIFE, 3 * SIGNS_OF_LIFE * SIGN_OF_LIFE_SECONDS)
    period = (time.monotonic() - started) / SIGNS_OF_LIFE
    if period > 1.5 * SIGN_OF_LIFE_SECONDS:
        result.problem = f"{WATCHDOG} arrives only once in {period:.1f} s"
    return result


def wait_until_quiet(stack: DrillStack) -> bool:
    """Wait until only Watchdog is pending or firing in Prometheus; return whether that happened."""
    return _watch(lambda: not _disturbances(stack), QUIET_WITHIN)


def _disturbances(stack: DrillStack) -> dict[str, str]:
    try:
        states = {alert["labels"]["alertname"]: alert["state"] for alert in stack.alerts()}
    except OSError as error:
        return {"Prometheus": str(error)}
    if WATCHDOG not in states:
        return {WATCHDOG: "missing"}
    return {name: state for name, state in states.items() if name != WATCHDOG}


def _watch(condition: Callable[[], bool], within: float) -> bool:
    deadline = time.monotonic() + within
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(POLL)
    return met


def _all(arrivals: list[Arrival], fault: Fault, test: Callable[[Arrival], bool]) -> bool:
    return all(
        any(expected.fits(arrival.labels) and test(arrival) for arrival in arrivals)
        for expected in fault.expects
    )


def _has_arrived(arrival: Arrival) -> bool:
    return arrival.fired > 0


def _is_over(arrival: Arrival) -> bool:
    return arrival.resolved is not None


def _judge(
    result: Result,
    fault: Fault,
    arrivals: list[Arrival],
    injected: float,
    fixing: float,
    stack: DrillStack,
) -> None:
    for observation in result.observations:
        _observe(observation, arrivals, injected, fixing, stack)
    others = [arrival for arrival in arrivals if not any(each.fits(arrival.labels) for each in fault.expects)]
    result.consequences = [arrival.name for arrival in others if fault.allows(arrival.labels)]
    result.false_alarms = [arrival.name for arrival in others if not fault.allows(arrival.labels)]


def _observe(
    observation: Observation, arrivals: list[Arrival], injected: float, fixing: float, stack: DrillStack
) -> None:
    found = next((each for each in arrivals if observation.expected.fits(each.labels)), None)
    if found is None:
        observation.problem = "did not arrive"
        return
    observation.severity = found.labels["severity"]
    observation.detected = max(0.0, found.fired - injected)
    if found.resolved is None:
        observation.problem = "was not resolved"
    else:
        observation.resolved = max(0.0, found.resolved - fixing)
    observation.problem = observation.problem or _broken_link(found, stack)


def _excuse(result: Result, stack: DrillStack, seconds: float) -> None:
    """Add to a failure that the machine was too busy for the drill's short times, if so."""
    if not result.passed and stack.prometheus_missed_itself(seconds):
        result.problem = "; ".join(filter(None, [result.problem, TOO_BUSY]))


def _broken_link(arrival: Arrival, stack: DrillStack) -> str:
    """Open the dashboard and the runbook, as a person on call would."""
    url = arrival.annotations["dashboard_url"]
    if not url.startswith(stack.copy.url(VIEWER)):
        return f"link to another stack: {url}"
    queue = arrival.labels.get("queue")
    if queue and f"var-queue={queue}" not in url:
        return f"link without the queue: {url}"
    runbook = arrival.annotations["runbook_url"]
    if not runbook.startswith(stack.copy.url(RQ_MON_WEB)):
        return f"link to another stack: {runbook}"
    return _no_answer(url) or _no_answer(runbook)


def _no_answer(url: str) -> str:
    try:
        with urlopen(url, timeout=30) as answer:
            return "" if answer.status == 200 else f"{answer.status} at {url}"
    except URLError as error:
        return f"{error} at {url}"
