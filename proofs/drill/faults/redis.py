"""A Redis that does not answer or is full."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.drill.ballast import filled_memory, full_memory, write_until_evicted
from proofs.drill.fault import expect, fault
from proofs.drill.stack import DrillStack
from stack.services import REDIS


@fault(expect("RQRedisUnreachable"))
def redis_stopped(stack: DrillStack) -> Iterator[None]:
    """Redis is stopped."""
    with stack.stopped(REDIS):
        yield


@fault(expect("RQRedisUnreachable"))
def redis_frozen(stack: DrillStack) -> Iterator[None]:
    """Redis freezes (SIGSTOP): it takes connections and never answers."""
    with stack.frozen(REDIS):
        yield


@fault(expect("RQRedisMemoryPressure", severity="critical"))
def redis_full(stack: DrillStack) -> Iterator[None]:
    """Redis is filled to its memory limit, and refuses writes."""
    with full_memory(stack.redis):
        yield


@fault(expect("RQRedisMemoryPressure", severity="warning"))
def redis_nearly_full(stack: DrillStack) -> Iterator[None]:
    """Redis is filled to 85% of its memory limit."""
    with filled_memory(stack.redis, 0.85):
        yield


@fault(
    expect("RQRedisEvictingKeys"),
    consequences=(expect("RQRedisMemoryPressure"), expect("RQRedisUnreachable")),
)
def redis_evicts(stack: DrillStack) -> Iterator[None]:
    """Redis was restarted as a cache, and is full: it evicts keys that were idle for a while."""
    with (
        stack.redis_option("maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"),
        filled_memory(stack.redis, 0.98),
    ):
        write_until_evicted(stack.redis)
        yield


@fault(expect("RQRedisNotPersisting"))
def redis_not_persisting(stack: DrillStack) -> Iterator[None]:
    """Redis cannot rewrite its append-only file, because there is a file where its folder was."""
    with stack.without_append_only_folder():
        yield
