"""A Redis that does not answer, or is full."""

from __future__ import annotations

from collections.abc import Iterator

from drill.ballast import filled_memory, full_memory, wait_until_idle, write_more
from drill.fault import expect, fault
from drill.stack import DrillStack
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
    consequences=(expect("RQRedisMemoryPressure"),),
)
def redis_evicts(stack: DrillStack) -> Iterator[None]:
    """Redis is full, and was set up as a cache, which throws away what nobody asked for in a while."""
    with full_memory(stack.redis):
        wait_until_idle(stack.redis)
        with stack.redis_setting("maxmemory-policy", "allkeys-lru"):
            write_more(stack.redis)
            yield


@fault(expect("RQRedisNotPersisting"))
def redis_not_persisting(stack: DrillStack) -> Iterator[None]:
    """Redis cannot rewrite its append-only file, because there is a file where its folder was."""
    with stack.without_append_only_folder():
        yield
