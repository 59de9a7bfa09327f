"""What starting, watching and stopping the stack asks of the two ways to run it: containers or processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Protocol

from stack.services import Service

WATCHES_ANOTHER_REDIS = (
    "RQ_REDIS_URL is set: the stack watches that Redis."
    " It starts no Redis, no workers and no cron scheduler of its own."
)


class StackError(Exception):
    """The stack cannot do what was asked; the message tells the user why and what to do about it."""


class Health(StrEnum):
    """How a service does, as the table shows it."""

    HEALTHY = "healthy"
    STARTING = "starting"
    """Runs, but does not answer yet."""
    FAILED = "failed"
    """Will not become healthy without help."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class State:
    """The health of one service, and in a few words why it is not healthy."""

    health: Health
    detail: str = ""


WORST_FIRST = (Health.FAILED, Health.STOPPED, Health.STARTING, Health.HEALTHY)


def worst_state(states: Iterable[State]) -> State:
    """Return the state of a service whose processes or containers have these."""
    return min(states, key=lambda state: WORST_FIRST.index(state.health), default=State(Health.STOPPED))


class Runtime(Protocol):
    """One way to run the services of stack/services.py. Its constructor takes StackSettings.

    A runtime never waits for health and prints no table: the commands in this package do that for both.
    It may print single lines of progress (`print(..., flush=True)`).
    """

    @property
    def name(self) -> str:
        """The value of RUNTIME that chooses it."""

    def has_data(self) -> bool:
        """Whether this clone has queues or metrics here, that clean() would remove."""

    def services(self) -> Sequence[Service]:
        """The services that it runs on this machine, in the order of stack/services.py."""

    def start(self) -> None:
        """Start what does not run, and restart what runs with other settings; do not wait for health.

        Raises:
            StackError: not everything could be started. What was started stays, and states() shows it.
        """

    def scale(self, worker: Service) -> None:
        """Let as many of a worker run as the settings say; those beyond that end after their jobs.

        The others stay as they are, and so do all other services, whatever has changed in the settings.

        Raises:
            StackError: there are not as many as that afterwards.
        """

    def stop(self) -> None:
        """End every process or container, however it was left behind; keep the data."""

    def stop_service(self, service: Service) -> None:
        """End one service, until the next start; a worker ends its job first.

        Raises:
            StackError: it did not end.
        """

    def restart(self, service: Service) -> None:
        """End one service, a worker after its job, and start it with the settings of now.

        Raises:
            StackError: it did not end, or could not be started.
        """

    def restart_broken(self, services: Sequence[Service]) -> Sequence[Service]:
        """Restart those processes or containers of these services that run but do not work.

        Returns the services of which some were restarted. If Redis is among the given ones, it alone is: what
        needs it is judged once it answers.
        """

    def states(self) -> Mapping[Service, State]:
        """The state of each of services(), now, within a few seconds."""

    def last_log_lines(self, service: Service, count: int) -> str:
        """The end of what the service printed; empty when it printed nothing."""

    def follow_logs(self, service: Service | None) -> None:
        """Print the log of one service or of all, and go on until the user interrupts."""

    def notes(self) -> Sequence[str]:
        """Lines for the user below the table: where the password is, what takes whose place."""

    def paused(self, service: Service) -> AbstractContextManager[None]:
        """Stop a service while the block runs, if it runs."""

    def run_in_data_dir(
        self,
        service: Service,
        script: str,
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run a shell script in the folder of a service's data, with its rights; whether it runs or not.

        Raises:
            StackError: the script failed; the message has what it said.
        """

    def amtool(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """The words that call amtool, logged in to the stack's Alertmanager, and the environment for it."""

    def data(self) -> Sequence[str]:
        """What clean() would remove, named for the user: folders or volumes. Empty when there is nothing."""

    def clean(self) -> None:
        """Remove the data of a stopped stack."""

    def leftovers(self) -> Sequence[str]:
        """What clean() leaves because others may need it: each with the command that removes it."""
