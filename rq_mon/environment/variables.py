"""The one reader of settings: each is declared with its name, default, type and meaning."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from rq_mon.environment.kinds import Kind

T = TypeVar("T")


class SettingsError(ValueError):
    """Settings have invalid values. The message has a line for each, with its name."""


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """A variable of the environment."""

    name: str
    default: T
    """Its value while it is unset or empty."""
    parse: Callable[[str], T]
    """A Kind; or a function whose ValueError completes the sentence "expected …"."""
    meaning: str

    @property
    def default_text(self) -> str:
        """Return the default as users write it, empty if there is none."""
        return "" if self.default is None else str(self.default)

    @property
    def expected(self) -> str:
        """Return the accepted values; empty if the meaning explains them."""
        return self.parse.expected if isinstance(self.parse, Kind) else ""

    @property
    def help(self) -> str:
        """Return its meaning for `--help`, with its default."""
        return f"{self.meaning} [default: {self.default_text}]" if self.default_text else self.meaning

    def read(self, environment: Mapping[str, str] = os.environ) -> T:
        """Return its value.

        Raises:
            SettingsError: the value is invalid; the message has the variable and what is expected.
        """
        text = environment.get(self.name, "").strip()
        if not text:
            return self.default
        try:
            return self.parse(text)
        except ValueError as error:
            raise SettingsError(f"{self.name}: expected {error}") from error


def read_all(variables: Iterable[Variable[Any]], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the values by the variables' names.

    Raises:
        SettingsError: some are invalid; the message has a line for each.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in variables:
        try:
            values[variable.name] = variable.read(environment)
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    return values


# --- classes of settings: dataclasses of which fields are variables ---


def setting(variable: Variable[T], *, secret: bool = False, **metadata: object) -> T:
    """Return a dataclass field for the variable. The value of a secret is not printed."""
    default: T = field(default=variable.default, repr=not secret, metadata={"variable": variable, **metadata})
    return default


def variables_in(settings: type) -> dict[str, Variable[Any]]:
    """Return the variables of a class of settings by the names of their fields."""
    found = {each.name: each.metadata.get("variable") for each in fields(settings)}
    return {name: variable for name, variable in found.items() if variable is not None}


def read_fields(
    settings: type, environment: Mapping[str, str], only: Iterable[str] | None = None
) -> dict[str, Any]:
    """Return the values of all fields that variables set, or of `only` these.

    Raises:
        SettingsError: some are invalid; the message has a line for each.
    """
    variables = variables_in(settings)
    names = list(variables if only is None else only)
    values = read_all((variables[name] for name in names), environment)
    return {name: values[variables[name].name] for name in names}
