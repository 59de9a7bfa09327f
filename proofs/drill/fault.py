"""A fault: something that breaks, the alerts that must arrive, and those that may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from proofs.drill.scale import FACTOR
from proofs.drill.stack import DrillStack

MINUTE = 60.0

Inject = Callable[[DrillStack], Iterator[None]]

FAULTS: dict[str, Fault] = {}
"""All faults by name, in the order of the drill."""


@dataclass(frozen=True)
class Expected:
    """An alert that must arrive, with the labels to check, above all `queue`."""

    alert: str
    labels: Mapping[str, str] = field(default_factory=dict)
    adds: float = 0.0
    """Seconds that its condition takes longer to become true outside of the drill, without `for` and
    Alertmanager's waits: the drill reads those from the files.
    """
    only_shown: bool = False
    """It cannot be sent, so the drill looks for it in Prometheus."""

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels matches."""
        return labels.get("alertname") == self.alert and self.labels.items() <= labels.items()

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        return f"{self.alert} ({shown})" if shown else self.alert


def expect(alert: str, *, adds: float = 0.0, only_shown: bool = False, **labels: str) -> Expected:
    """Name an alert and its labels."""
    return Expected(alert, labels, adds, only_shown)


def filling(window_seconds: float) -> float:
    """Return how much longer such a window takes to fill outside of the drill."""
    return window_seconds - window_seconds / FACTOR


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    name: str
    what: str
    injected: Callable[[DrillStack], AbstractContextManager[None]]
    """Breaks the stack on entry, repairs it on exit."""
    expects: tuple[Expected, ...]
    consequences: tuple[Expected, ...]
    """Alerts that may arrive, too, because they are true and not inhibited."""
    within: float
    """Seconds within which all expected alerts must arrive."""

    @property
    def only_shown(self) -> set[str]:
        """The names of the alerts that cannot be sent."""
        return {each.alert for each in self.expects if each.only_shown}

    def allows(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels belongs to this fault."""
        return any(each.fits(labels) for each in (*self.expects, *self.consequences))


def fault(
    *expects: Expected, consequences: tuple[Expected, ...] = (), within: float = 60.0
) -> Callable[[Inject], Inject]:
    """Turn a generator function into a fault: it breaks something, yields, and repairs it.

    Its name is the fault's name. Its docstring describes the fault in reports.
    """

    def register(inject: Inject) -> Inject:
        name = inject.__name__.replace("_", "-")
        what = (inject.__doc__ or "").strip().rstrip(".")
        FAULTS[name] = Fault(name, what, contextmanager(inject), expects, consequences, within)
        return inject

    return register
