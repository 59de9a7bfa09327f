"""What is installed beside this package: what an extra lacks, and versions that do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "rq-mon"


def lacking(extra: str) -> str | None:
    """Return which packages of an extra are missing, and how to install them; None if none is.

    A checkout, which is not installed, has no list of them: there `missing` explains the failed import.
    """
    absent = [name for name in _packages(extra) if _version(name) is None]
    return _advice(", ".join(absent), extra) if absent else None


def missing(error: ModuleNotFoundError, extra: str) -> str | None:
    """Return what to install because of a failed import; None if the module is one of this package."""
    module = (error.name or "").partition(".")[0]
    return None if module in {"", "rq_mon"} else _advice(module, extra)


def misfits(extra: str) -> list[str]:
    """Return a sentence about each installed package whose version does not fit an extra.

    Empty where the extra is not installed, and in a checkout, whose versions are locked.
    """
    names = _packages(extra)
    if not names or any(_version(name) is None for name in names):
        return []
    needs = [(DISTRIBUTION, each) for each in _requirements(DISTRIBUTION, extra)]
    needs += [(name, each) for name in names for each in _requirements(name, "")]
    return list(dict.fromkeys(_sentences(needs, extra)))


def _advice(absent: str, extra: str) -> str:
    return f"missing: {absent}; install the extra: pip install './{DISTRIBUTION}[{extra}]'"


def _sentences(needs: Iterable[tuple[str, Requirement]], extra: str) -> Iterator[str]:
    for name, requirement in needs:
        found = _version(requirement.name)
        if found is None or requirement.specifier.contains(found, prereleases=True):
            continue
        yield (
            f"{name} {_version(name)} needs {requirement.name}{requirement.specifier}, but {requirement.name}"
            f" {found} is installed; install the extra into an environment of its own:"
            f" pipx install './{DISTRIBUTION}[{extra}]'"
        )


def _packages(extra: str) -> list[str]:
    """Return the names of an extra's packages; read as text, since packaging is one of them."""
    try:
        required = metadata.requires(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        return []
    of_extra = re.compile(rf"([\w.-]+).*;.*\bextra == ['\"]{extra}['\"]")
    return [found[1] for text in required if (found := of_extra.match(text))]


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
