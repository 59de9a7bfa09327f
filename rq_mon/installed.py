"""Checks the installed packages: missing extras, and versions that do not fit."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib import metadata
from itertools import zip_longest
from typing import Any

DISTRIBUTION = "rq-mon"

RELEASE = re.compile(r"[0-9]+(\.[0-9]+)*")
CLAUSE = re.compile(rf"(>=|<=|==|!=|~=|>|<) *({RELEASE.pattern})")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def lacking(extra: str) -> str | None:
    """Return the missing packages of an extra and how to install them; None if none is missing.

    A checkout is not installed and has no list of them. There, `missing` explains the failed import.
    """
    absent = [name for name in _packages(extra) if _version(name) is None]
    return _advice(", ".join(absent), extra) if absent else None


def missing(error: ModuleNotFoundError, extra: str) -> str | None:
    """Return what to install after a failed import; None if the module belongs to this package."""
    module = (error.name or "").partition(".")[0]
    return None if module in {"", "rq_mon"} else _advice(module, extra)


def misfits(extra: str) -> list[str]:
    """Return a sentence about each installed package whose version does not fit an extra.

    Empty if the extra is not installed, and in a checkout, whose versions are locked.
    """
    names = _packages(extra)
    if not names or any(_version(name) is None for name in names):
        return []
    needs = [(DISTRIBUTION, text) for text in _requires(DISTRIBUTION)]
    needs += [(name, text) for name in names for text in _requires(name)]
    doubtful = [(name, text) for name, text in needs if not surely_fits(text)]
    return list(dict.fromkeys(_sentences(doubtful, extra))) if doubtful else []


def _advice(absent: str, extra: str) -> str:
    return f"missing: {absent}; install the extra: pip install './{DISTRIBUTION}[{extra}]'"


def surely_fits(requirement: str) -> bool:
    """Return True if the installed version certainly fits a requirement, whatever its marker says.

    `packaging` decides the other cases. Loading it takes a quarter of the time of a short command, so it is
    loaded for these only.
    """
    needed, _, _ = requirement.partition(";")
    found = re.match(r"([\w.-]+)(?:\[[^]]*\])? *\(?([^)]*)\)?$", needed.strip())
    if found is None:
        return False
    name, clauses = found[1], [each.strip() for each in found[2].split(",") if each.strip()]
    version = _version(name)
    return version is None or all(_is_met(clause, version) for clause in clauses)


def _is_met(clause: str, version: str) -> bool:
    """Return False also for anything beyond a comparison of two releases."""
    found = CLAUSE.fullmatch(clause)
    if found is None or RELEASE.fullmatch(version) is None:
        return False
    asked = _numbers(found[2])
    pairs = [*zip_longest(_numbers(version), asked, fillvalue=0)]
    own, other = [each for each, _ in pairs], [each for _, each in pairs]
    if found[1] == "~=":
        return own >= other and own[: len(asked) - 1] == asked[:-1]
    return COMPARE[found[1]](own, other)


def _numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]


def _sentences(needs: Iterable[tuple[str, str]], extra: str) -> Iterator[str]:
    from packaging.requirements import Requirement

    for name, text in needs:
        requirement = Requirement(text)
        own_extra = extra if name == DISTRIBUTION else ""
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": own_extra}):
            continue
        found = _version(requirement.name)
        if found is None or requirement.specifier.contains(found, prereleases=True):
            continue
        yield (
            f"{name} {_version(name)} needs {requirement.name}{requirement.specifier}, but {requirement.name}"
            f" {found} is installed; install the extra into an environment of its own:"
            f" pipx install './{DISTRIBUTION}[{extra}]'"
        )


def _packages(extra: str) -> list[str]:
    """Return the names of an extra's packages. Parsed as text, because `packaging` is one of them."""
    of_extra = re.compile(rf"([\w.-]+).*;.*\bextra == ['\"]{extra}['\"]")
    return [found[1] for text in _requires(DISTRIBUTION) if (found := of_extra.match(text))]


def _requires(name: str) -> Sequence[str]:
    found = _metadata(name)
    return [] if found is None else found.get_all("Requires-Dist") or []


def _version(name: str) -> str | None:
    found = _metadata(name)
    return None if found is None else found["Version"]


@cache
def _metadata(name: str) -> metadata.PackageMetadata | None:
    """The metadata is a page of text, so it is parsed once."""
    try:
        return metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
