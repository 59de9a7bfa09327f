"""A Redis that does not answer, or is full."""

from __future__ import annotations

from collections.abc import Iterator

from drill.ballast import full_memory
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


@fault(expect("RQRedisNotPersisting"))
def redis_not_persisting(stack: DrillStack) -> Iterator[None]:
    """Redis cannot rewrite its append-only file, because there is a file where its folder was."""
    with stack.without_append_only_folder():
        yield
