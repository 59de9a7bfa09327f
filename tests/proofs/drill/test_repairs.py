"""Every fault is repaired, even after an error, so that it does not spoil the next one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from proofs.drill import native
from proofs.drill.ballast import KEY, filled_memory, full_memory
from proofs.drill.carry_out import TOO_BUSY, carry_out
from proofs.drill.compose import ComposeServices
from proofs.drill.fault import Fault, expect
from proofs.drill.inbox import Inbox
from proofs.drill.native import NativeServices
from proofs.drill.stack import DrillStack
from proofs.harness.webhook import running_webhook
from stack.services import CRON_SCHEDULER, PROMETHEUS, REDIS


class BrokenError(AssertionError):
    """An error in the middle of a fault."""


class Calls:
    """Replaces functions that break and repair things, and records their calls."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.made.append((name, *arguments))


@pytest.fixture
def calls() -> Calls:
    return Calls()


def stack_with(services: Any, directory: Path, redis: Redis | None = None) -> DrillStack:
    """A stack with a running Redis and nothing else."""
    stack = DrillStack.__new__(DrillStack)
    stack._services = services
    stack.directory = directory
    if redis is not None:
        stack.redis = redis
    return stack


def fail_within(context: AbstractContextManager[None], look: Callable[[], None] = lambda: None) -> None:
    """Break something, check it, and fail."""
    with context:
        look()
        raise BrokenError


def test_a_service_that_does_not_stop_in_time_is_started_again(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = NativeServices.__new__(NativeServices)
    services._supervisor = calls  # type: ignore[assignment]
    services._stack = Calls()  # type: ignore[assignment]
    services._stack.settings = Calls()  # type: ignore[assignment]
    monkeypatch.setattr(native, "wait_until", _in_vain)

    with pytest.raises(BrokenError), services.stopped(CRON_SCHEDULER):
        pytest.fail("it has not ended")

    assert [name for name, *_ in calls.made] == ["request_stop", "update"]


def _in_vain(*_: Any) -> None:
    raise BrokenError


def test_a_container_is_started_again_after_an_error(calls: Calls) -> None:
    services = ComposeServices(calls)  # type: ignore[arg-type]

    for broken in (services.stopped(REDIS), services.frozen(REDIS)):
        with pytest.raises(BrokenError):
            fail_within(broken)

    assert [verb for _, verb, _ in calls.made] == ["stop", "start", "pause", "unpause"]


def test_rule_file_is_removed_and_prometheus_reloads(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "prometheus" / "rules").mkdir(parents=True)

    def look() -> None:
        assert [path.name for path in tmp_path.rglob("*.yml")] == ["drill.yml"]

    with pytest.raises(BrokenError):
        fail_within(stack_with(calls, tmp_path).rule_file("drill.yml", "groups: []"), look)

    assert list(tmp_path.rglob("*.yml")) == []
    assert calls.made == 2 * [("send", PROMETHEUS, signal.SIGHUP)]


def test_an_overwritten_key_is_restored(calls: Calls, tmp_path: Path, redis_client: Redis) -> None:
    redis_client.hset("counts", "a", "1")
    stack = stack_with(calls, tmp_path, redis_client)

    for broken in (stack.overwritten("counts"), stack.overwritten("nothing")):
        with pytest.raises(BrokenError):
            fail_within(broken)

    assert redis_client.keys("*") == [b"counts"]
    assert redis_client.hgetall("counts") == {b"a": b"1"}


@pytest.mark.parametrize(
    "fill", [full_memory, lambda redis: filled_memory(redis, 0.85)], ids=["full", "nearly full"]
)
def test_ballast_is_removed(fill: Callable[..., Any], redis_client: Redis) -> None:
    def look() -> None:
        assert redis_client.keys(f"{KEY}:*")

    redis_client.config_set("maxmemory", "8mb")
    try:
        with pytest.raises(BrokenError):
            fail_within(fill(redis_client), look)
    finally:
        redis_client.config_set("maxmemory", "0")

    assert redis_client.keys("*") == []


def test_redis_configuration_file_is_restored(calls: Calls, tmp_path: Path, redis_client: Redis) -> None:
    file = tmp_path / "stack" / "redis.conf"
    file.parent.mkdir()
    file.write_text("# Redis\nmaxmemory-policy noeviction\n")
    stack = stack_with(ComposeServices(calls), tmp_path, redis_client)  # type: ignore[arg-type]

    def look() -> None:
        assert file.read_text() == "# Redis\nmaxmemory-policy allkeys-lru\n"

    with pytest.raises(BrokenError):
        fail_within(stack.redis_option("maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"), look)

    assert file.read_text() == "# Redis\nmaxmemory-policy noeviction\n"
    assert [verb for _, verb, _ in calls.made] == 2 * ["stop", "start"]


@pytest.mark.parametrize(("busy", "excuse"), [(False, ""), (True, f"; {TOO_BUSY}")])
def test_a_fault_that_cannot_be_injected_fails_and_the_drill_goes_on(
    busy: bool, excuse: str, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def injected(_: DrillStack) -> Iterator[None]:
        raise BrokenError("no such process")
        yield

    stack = stack_with(calls, tmp_path)
    watchdog = {"labels": {"alertname": "Watchdog"}, "state": "firing"}
    monkeypatch.setattr(stack, "alerts", lambda: [watchdog])
    monkeypatch.setattr(stack, "prometheus_missed_itself", lambda _: busy)
    fault = Fault("name", "what", injected, (expect("RQExporterDown"),), (), within=0)

    with running_webhook() as webhook:
        result = carry_out(fault, stack, Inbox(webhook))

    assert not result.passed
    assert result.problem == f"BrokenError: no such process{excuse}"
