"""Which runtime to use: the one asked for, else the one that runs, else what this machine can."""

from __future__ import annotations

from stack.compose import ComposeRuntime
from stack.compose.docker import Docker
from stack.native.runtime import NativeRuntime
from stack.runtime import Health, Runtime, StackError
from stack.settings import StackSettings
from stack.variables import RUNTIME


def choose(settings: StackSettings) -> Runtime:
    """Return the runtime that a command is about.

    Raises:
        StackError: compose was asked for, and no Docker engine answers.
    """
    native = NativeRuntime(settings)
    if settings.runtime == native.name:
        return native
    if settings.runtime is None and is_running(native):
        return native
    if Docker(settings.environment).engine_answers():
        return ComposeRuntime(settings)
    if settings.runtime is None:
        return native
    raise StackError(f"{RUNTIME.name}={settings.runtime}: no Docker engine answers on this machine")


def available(settings: StackSettings) -> list[Runtime]:
    """Return every runtime that may hold processes or data here: what to stop and to clean."""
    native, compose = NativeRuntime(settings), ComposeRuntime(settings)
    if settings.runtime is not None:
        return [native if settings.runtime == native.name else compose]
    return [native, compose] if _can_run_containers(settings) else [native]


def _can_run_containers(settings: StackSettings) -> bool:
    try:
        Docker(settings.environment).check_versions()
    except StackError:
        return False
    return True


def refuse_if_running(chosen: Runtime, settings: StackSettings) -> None:
    """Raise StackError if the stack runs in another runtime already: it would hold the ports."""
    native = NativeRuntime(settings)
    if chosen.name != native.name and is_running(native):
        raise StackError(f"The stack runs already, as {native.name} processes. Stop it: make stop-rq-mon")


def is_running(runtime: Runtime) -> bool:
    """Tell whether any service of the runtime runs."""
    return any(state.health is not Health.STOPPED for state in runtime.states().values())
