"""Questions that the user must confirm before services stop or data is removed."""

from __future__ import annotations

import sys

from stack.choice import SAY_WHICH, choose, is_running
from stack.last_start import (
    OWN_REDIS,
    last_start,
    leaves_redis,
    redis_of,
    services_to_stop,
    settings_left_out,
)
from stack.runtime import Runtime, StackError
from stack.settings import StackSettings
from stack.variables import YES


def confirmed(settings: StackSettings, question: str) -> bool:
    """Ask the user. Without a terminal, only YES=1 confirms."""
    if settings.environment.get(YES) == "1":
        return True
    if not sys.stdin.isatty():
        print(
            f"This needs a confirmation, but there is no terminal: set {YES}=1 to confirm.", file=sys.stderr
        )
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def refuse_yes_for_a_runtime(settings: StackSettings) -> None:
    """Raise StackError if YES=1 would have to choose between containers and processes."""
    if settings.environment.get(YES) == "1" and settings.runtime is None:
        raise StackError(
            f"Both runtimes have data of this folder, and {YES}=1 does not choose one. {SAY_WHICH}"
        )


def goes_on_after_changes(runtime: Runtime, settings: StackSettings) -> bool:
    """Print what changed since the last start. Ask before the stack switches to another Redis."""
    name_settings_left_out(settings)
    last = last_start()
    own = settings.has_own_redis()
    stopped = [] if own else services_to_stop(choose(settings.with_own_redis()), settings)
    left = leaves_redis(last, settings) if is_running(runtime) else None
    if not stopped and not left:
        return True
    print(f"The stack will show the queues of {redis_of(settings)} instead of those of {left or OWN_REDIS}.")
    if stopped:
        print(f"This stops {', '.join(service.name for service in stopped)}; their data is kept.")
    return confirmed(settings, "Go on?")


def name_settings_left_out(settings: StackSettings) -> None:
    """Print the settings that were set at the last start and are not set now."""
    if left_out := settings_left_out(last_start(), settings):
        print(f"Set at the last start, but not now and not in .env: {', '.join(left_out)}", flush=True)
