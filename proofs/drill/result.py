"""The result of a fault."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofs.drill.fault import Expected


@dataclass
class Observation:
    """The times of one expected alert, in seconds. None: it never happened."""

    expected: Expected
    severity: str = ""
    detected: float | None = None
    """After the fault."""
    resolved: float | None = None
    """After the fix; 0 if it was resolved before."""
    problem: str = ""


@dataclass
class Result:
    """The result of a fault or of the quiet period."""

    name: str
    what: str
    observations: list[Observation] = field(default_factory=list)
    consequences: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything went as expected."""
        return not (self.problem or self.false_alarms or any(each.problem for each in self.observations))
