"""Grafana's template language: `$queue`, `${queue:regex}`, `[[queue]]`, `${__data.fields.queue}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from grafana.preview.timerange import TimeRange, format_duration

ALL = "$__all"
"""How Grafana writes the choice "All" in URLs and files."""

Lookup = Callable[[str, str, str], str | None]
"""From (name, path below it, format) to the text that stands for it; None to leave the text as it is."""

# templateSrv's variableRegex.
_VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:}]+))?(?::([^}]+))?\}")
_REGEX_SPECIAL = re.compile(r"[$^*{}\[\]+?.()|]")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a variable stands for at the moment."""

    values: tuple[str, ...]
    """What is chosen; all that can be chosen where All is."""
    is_all: bool = False
    all_value: str | None = None
    """What All stands for where the dashboard says so, such as `.+`."""
    is_multi: bool = True
    """Whether it may hold several values, so that its queries match by regular expression."""


def interpolate(text: str, lookup: Lookup) -> str:
    """Fill in every variable that `lookup` knows."""

    def replace(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        value = lookup(name, match[5] or "", match[3] or match[6] or "")
        return match[0] if value is None else value

    return _VARIABLE.sub(replace, text)


def promql_lookup(choices: Mapping[str, Choice], builtins: Mapping[str, str]) -> Lookup:
    """Return the lookup for PromQL, where several values become a regular expression."""
    return _lookup(choices, builtins, "promql")


def text_lookup(choices: Mapping[str, Choice], builtins: Mapping[str, str]) -> Lookup:
    """Return the lookup for titles and text, which people read."""
    return _lookup(choices, builtins, "text")


def _lookup(choices: Mapping[str, Choice], builtins: Mapping[str, str], default: str) -> Lookup:
    """Return the lookup that writes choices in the default format, where the text names none."""

    def lookup(name: str, _path: str, format_: str) -> str | None:
        if name in builtins:
            return builtins[name]
        choice = choices.get(name)
        return None if choice is None else format_choice(name, choice, format_ or default)

    return lookup


def format_choice(name: str, choice: Choice, format_: str) -> str:
    """Write what a variable stands for in one of Grafana's formats; an unknown one is Grafana's `glob`."""
    if format_ == "queryparam":
        chosen = (ALL,) if choice.is_all else choice.values
        return urlencode([(f"var-{name}", value) for value in chosen])
    if format_ == "text":
        return "All" if choice.is_all else " + ".join(choice.values)
    if choice.is_all and choice.all_value is not None:
        return choice.all_value
    return _join(choice, format_)


def _join(choice: Choice, format_: str) -> str:
    values = choice.values
    match format_:
        case "promql":
            if not choice.is_multi:
                return _promql_string("".join(values))
            return _alternatives([promql_regex_escape(value) for value in values])
        case "regex":
            return _alternatives([re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in values])
        case "pipe":
            return "|".join(values)
        case "csv" | "raw":
            return ",".join(values)
        case "percentencode" | "uriencode":
            return quote(_glob(values), safe="")
        case _:
            return _glob(values)


def _glob(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def _alternatives(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else "(" + "|".join(values) + ")"


def promql_regex_escape(value: str) -> str:
    """Escape a value twice: for the regular expression, and for the PromQL string around it."""
    return _promql_string(_REGEX_SPECIAL.sub(r"\\\g<0>", value.replace("\\", "\\\\")))


def _promql_string(text: str) -> str:
    """Escape for a PromQL string in double quotes. Grafana leaves line feeds as they are: an error there."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def time_builtins(time_range: TimeRange) -> dict[str, str]:
    """Return the variables of the time range that queries and texts may use."""
    seconds = round(time_range.seconds)
    return {
        "__range": f"{seconds}s",
        "__range_s": str(seconds),
        "__range_ms": str(seconds * 1000),
        "__from": str(round(time_range.start.timestamp() * 1000)),
        "__to": str(round(time_range.end.timestamp() * 1000)),
    }


def step_builtins(step: float, rate_interval: float) -> dict[str, str]:
    """Return the variables of a query's step, both in seconds."""
    return {
        "__interval": format_duration(step),
        "__interval_ms": str(round(step * 1000)),
        "__rate_interval": format_duration(rate_interval),
    }
