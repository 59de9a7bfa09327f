"""Objectives of each queue (SLOs), from a YAML file that users edit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from rq_mon.catalogue import DURATION_BUCKETS, JOB_DURATION, JOB_WAIT, WAIT_BUCKETS, Metric

DEFAULT_FILE = Path("objectives.yml")
"""The default file, in the working directory."""


FAR_OVER = 3
"""A job that runs for this many times its queue's run objective needs attention."""


class ObjectivesError(ValueError):
    """The file is invalid; the message has the file, the key, the value and what was expected."""


def _bucket_of(metric: Metric, bounds: tuple[float, ...]) -> Callable[[Any], float]:
    """Accept only bounds of buckets: a histogram can count observations up to these alone."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or value not in bounds:
            listed = ", ".join(f"{bound:g}" for bound in bounds)
            raise ValueError(f"one of the buckets of {metric.name} ({listed})")
        return float(value)

    return parse


def _ratio(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 <= value < 1:
        hint = f"; did you mean {value / 100:g}?" if isinstance(value, int) and 50 <= value < 100 else ""
        raise ValueError(f"a ratio of at least 0.5 and below 1{hint}")
    return float(value)


@dataclass(frozen=True, slots=True)
class Objective:
    """The objectives of one queue; the defaults apply to queues that the file does not name."""

    wait_seconds: float = field(default=300.0, metadata={"parse": _bucket_of(JOB_WAIT, WAIT_BUCKETS)})
    """A job must start within this time after it was enqueued."""
    run_seconds: float = field(default=1800.0, metadata={"parse": _bucket_of(JOB_DURATION, DURATION_BUCKETS)})
    """It must end within this time after it started."""
    on_time_ratio: float = field(default=0.95, metadata={"parse": _ratio})
    """The share of jobs that must meet these two times."""
    success_ratio: float = field(default=0.99, metadata={"parse": _ratio})
    """The share of jobs that must succeed, after their retries."""


PARSERS: Mapping[str, Callable[[Any], float]] = {key.name: key.metadata["parse"] for key in fields(Objective)}


@dataclass(frozen=True, slots=True)
class Objectives:
    """The objective of every queue."""

    default: Objective = Objective()
    queues: Mapping[str, Objective] = field(default_factory=dict)

    def of(self, queue: str) -> Objective:
        """Return the queue's own objective, or the default."""
        return self.queues.get(queue, self.default)


def objectives_here(path: Path | None) -> Objectives:
    """Read the file at `path`, else ./objectives.yml; without either, the defaults apply.

    Raises:
        ObjectivesError: the file is invalid.
    """
    if path is None and not DEFAULT_FILE.exists():
        return Objectives()
    return load_objectives(path or DEFAULT_FILE)


def load_objectives(path: Path) -> Objectives:
    """Read the file.

    Raises:
        ObjectivesError: it cannot be read, or its content is invalid.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader
        return _objectives({} if content is None else content)
    except _MistakeError as error:
        raise ObjectivesError(f"{path}: {error} (line {_line_of(error.place, text)})") from error
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ObjectivesError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:  # such as an impossible date
        raise ObjectivesError(f"{path}: {error}") from error


class _MistakeError(ValueError):
    """The value at these keys is invalid."""

    def __init__(self, place: Sequence[Any], message: str) -> None:
        super().__init__(f"{'.'.join(map(str, place)) or 'the file'}: {message}")
        self.place = place


def _line_of(place: Sequence[Any], text: str) -> int:
    """Return the line of the last of these keys, counted from 1."""
    node = yaml.compose(text, yaml.SafeLoader)
    line = 1
    for key in place:
        for name, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if name.value == str(key):
                line, node = name.start_mark.line + 1, value
                break
    return line


class _StrictLoader(yaml.SafeLoader):
    """Refuse duplicate keys, as YAML demands and PyYAML does not: one of two values would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _objectives(content: Any) -> Objectives:
    sections = _mapping(content, ())
    for section in sections:
        _check_known((section,), ("default", "queues"))
    default = _objective(sections.get("default"), ("default",), Objective())
    queues = _mapping(sections.get("queues"), ("queues",))
    return Objectives(
        default, {_name(name): _objective(keys, ("queues", name), default) for name, keys in queues.items()}
    )


def _objective(content: Any, place: tuple[Any, ...], base: Objective) -> Objective:
    given: dict[str, float] = {}
    for key, value in _mapping(content, place).items():
        _check_known((*place, key), PARSERS)
        try:
            given[key] = PARSERS[key](value)
        except ValueError as error:
            raise _MistakeError((*place, key), f"got {value!r}, expected {error}") from error
    return replace(base, **given)


def _mapping(content: Any, place: tuple[Any, ...]) -> dict[Any, Any]:
    if not isinstance(content, dict | None):
        raise _MistakeError(place, f"got {content!r}, expected keys with values")
    return content or {}


def _name(queue: Any) -> str:
    if not isinstance(queue, str):
        raise _MistakeError(
            ("queues", queue), f"got {queue!r}, expected the name of a queue; put it into quotes"
        )
    return queue


def _check_known(place: tuple[Any, ...], known: Collection[str]) -> None:
    key = place[-1]
    if key not in known:
        close = get_close_matches(str(key), known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise _MistakeError(place, f"is not known, expected one of {', '.join(known)}{hint}")
