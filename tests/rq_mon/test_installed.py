"""Versions are compared without packaging, with the same results."""

from __future__ import annotations

from importlib import metadata

import pytest
from packaging.requirements import Requirement

from rq_mon.installed import surely_fits

REDIS = metadata.version("redis")
MAJOR, MINOR, PATCH = map(int, REDIS.split("."))
NEAR = [
    REDIS,
    f"{MAJOR}",
    f"{MAJOR}.{MINOR}",
    f"{MAJOR}.{MINOR}.0",
    f"{REDIS}.0",
    f"{MAJOR + 1}",
    f"{MAJOR}.99",
]
OPERATORS = (">=", "<=", "==", "!=", ">", "<", "~=")


def fits(text: str) -> bool:
    """The result of packaging."""
    requirement = Requirement(text)
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return True
    return requirement.specifier.contains(version, prereleases=True)


@pytest.mark.parametrize("version", NEAR)
@pytest.mark.parametrize("operator", OPERATORS)
def test_releases_are_compared_as_packaging_does(operator: str, version: str) -> None:
    if operator == "~=" and "." not in version:
        return  # packaging takes none of one number
    for text in (f"redis{operator}{version}", f"redis[hiredis] ({operator} {version},!=1.0) ; extra == 'x'"):
        assert surely_fits(text) is fits(text), text


@pytest.mark.parametrize(
    "text",
    [
        f"redis==={REDIS}",
        f"redis=={MAJOR}.*",
        "redis!=1.*",
        "redis>=1.0rc1",
        "redis>=1!0.1",
        "redis @ https://example.org/redis.whl",
    ],
)
def test_packaging_decides_about_requirements_beyond_two_releases(text: str) -> None:
    assert not surely_fits(text)


def test_requirements_accepted_without_packaging_are_accepted_by_it() -> None:
    texts = {text for each in metadata.distributions() for text in each.requires or ()}

    sure = {text for text in texts if surely_fits(text)}

    assert "rq" in {Requirement(text).name for text in sure}
    assert [text for text in sure if not fits(text)] == []
    assert surely_fits("no-such-package>=1")
    assert not surely_fits("redis<1")
