"""The interface of the two runtimes: containers and local processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Protocol

from stack.services import Service

ANOTHER_REDIS_NOTE = (
    "RQ_REDIS_URL is set: the stack watches that Redis."
    " It starts no Redis, no workers and no cron scheduler of its own."
)


class StackError(Exception):
    """The command failed. The message tells the user why, and what to do."""


class Health(StrEnum):
    """Health of a service, as the table shows it."""

    HEALTHY = "healthy"
    STARTING = "starting"
    """Runs, but does not answer yet."""
    FAILED = "failed"
    """Will not recover without help."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class State:
    """The health of a service and, if it is not healthy, the reason in a few words."""

    health: Health
    detail: str = ""


WORST_FIRST = (Health.FAILED, Health.STOPPED, Health.STARTING, Health.HEALTHY)


def worst_state(states: Iterable[State]) -> State:
    """Return the state of a service: the worst of its processes or containers."""
    return min(states, key=lambda state: WORST_FIRST.index(state.health), default=State(Health.STOPPED))


class Runtime(Protocol):
    """Runs the services of stack/services.py in one way. The constructor takes StackSettings.

    A runtime never waits for health and prints no table: the commands of this package do that for both.
    It may print single lines of progress (`print(..., flush=True)`).
    """

    @property
    def name(self) -> str:
        """The value of RUNTIME that selects it."""

    def has_data(self) -> bool:
        """Return whether this clone has queues or metrics here, which clean() would remove."""

    def services(self) -> Sequence[Service]:
        """Return the services that it runs on this machine, in the order of stack/services.py."""

    def start(self) -> None:
        """Start missing services, restart those whose settings changed; do not wait for health.

        Raises:
            StackError: a service did not start. Started services keep running; states() shows them.
        """

    def scale(self, worker: Service) -> None:
        """Start or end workers of one kind until their number matches the settings. They finish their jobs.

        The other services keep running, even if their settings changed.

        Raises:
            StackError: the number does not match afterwards.
        """

    def stop(self) -> None:
        """End every process or container of this stack, even after a crash; keep the data."""

    def stop_service(self, service: Service) -> None:
        """Stop one service until the next start; a worker finishes its job first.

        Raises:
            StackError: it did not end.
        """

    def restart(self, service: Service) -> None:
        """Restart one service with the current settings; a worker finishes its job first.

        Raises:
            StackError: it did not end, or could not be started.
        """

    def restart_broken(self, services: Sequence[Service]) -> Sequence[Service]:
        """Restart processes or containers of these services that run but do not work.

        Returns the services with a restart. If Redis is broken, only Redis is restarted: the services that
        need it are checked after it answers.
        """

    def states(self) -> Mapping[Service, State]:
        """Return the current state of each of services(), within a few seconds."""

    def last_log_lines(self, service: Service, count: int) -> str:
        """Return the last lines of the service's log; empty if it printed nothing."""

    def follow_logs(self, service: Service | None) -> None:
        """Print the log of one service, or of all, until the user interrupts."""

    def notes(self) -> Sequence[str]:
        """Return lines to print below the table, such as where the password is."""

    def paused(self, service: Service) -> AbstractContextManager[None]:
        """Stop a service for the block, if it runs."""

    def run_in_data_dir(
        self,
        service: Service,
        script: str,
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run a shell script in a service's data folder, with the service's rights; it need not run.

        Raises:
            StackError: the script failed. The message contains its output.
        """

    def amtool(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Return amtool's command line, logged in to the stack's Alertmanager, and its environment."""

    def data(self) -> Sequence[str]:
        """Return the folders or volumes that clean() would remove."""

    def clean(self) -> None:
        """Remove the data of a stopped stack."""

    def leftovers(self) -> Sequence[str]:
        """Return what clean() keeps because others may need it, each with the command that removes it."""
