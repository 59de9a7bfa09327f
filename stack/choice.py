"""Choose the runtime: the requested one, else the one that runs or has data, else one that works here."""

from __future__ import annotations

from stack.compose import ComposeRuntime
from stack.compose.docker import Docker
from stack.native.runtime import NativeRuntime
from stack.runtime import Health, Runtime, StackError
from stack.settings import StackSettings
from stack.variables import RUNTIME

SAY_WHICH = f"Choose one: {RUNTIME.name}=compose or {RUNTIME.name}=native"


def choose(settings: StackSettings) -> Runtime:
    """Return the runtime that a command works on.

    Raises:
        StackError: compose is requested, but no Docker engine answers; or both runtimes hold data of this
            clone and neither runs; or the containers belong to another clone.
    """
    native = NativeRuntime(settings)
    if settings.runtime == native.name or (settings.runtime is None and is_running(native)):
        return native
    if not Docker(settings.environment).engine_answers():
        if settings.runtime is None:
            return native
        raise StackError(
            f"{RUNTIME.name}={settings.runtime}: no Docker engine answers on this machine."
            f" Start Docker, or set {RUNTIME.name}=native"
        )
    compose = ComposeRuntime(settings)
    if settings.runtime is None and native.has_data():
        if not _can_run_containers(settings) or not compose.has_data():
            return native
        if not is_running(compose):
            raise StackError(f"Both runtimes have data of this folder. {SAY_WHICH}")
    if settings.runtime is not None or _can_run_containers(settings):
        compose.clone.refuse_foreign()
    return compose


def available(settings: StackSettings) -> list[Runtime]:
    """Return every runtime that may hold processes or data of this clone, to stop and to clean.

    Raises:
        StackError: compose is requested, and the containers belong to another clone.
    """
    native, compose = NativeRuntime(settings), ComposeRuntime(settings)
    if settings.runtime == native.name:
        return [native]
    if settings.runtime == compose.name:
        compose.clone.refuse_foreign()
        return [compose]
    if _can_run_containers(settings) and not compose.clone.other_folder():
        return [native, compose]
    return [native]


def _can_run_containers(settings: StackSettings) -> bool:
    try:
        Docker(settings.environment).check_versions()
    except StackError:
        return False
    return True


def refuse_if_running(chosen: Runtime, settings: StackSettings) -> None:
    """Raise StackError if the other runtime is running the stack, because it holds the ports."""
    native = NativeRuntime(settings)
    if chosen.name != native.name and is_running(native):
        raise StackError(
            f"The stack is already running as {native.name} processes. Stop it first: make stop-rq-mon"
        )


def is_running(runtime: Runtime) -> bool:
    """Return whether the runtime runs any service."""
    return any(state.health is not Health.STOPPED for state in runtime.states().values())
