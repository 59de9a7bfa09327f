"""The committed page is built from the committed sources, and its licences allow distribution."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from grafana.viewer.bundle import BUNDLE
from stack.variables import IMAGES
from tests.harness.sources import tracked

BROWSER = BUNDLE.parent / "browser"
MANIFEST = json.loads((BUNDLE / "manifest.json").read_text())
LOCK: dict[str, Any] = json.loads((BROWSER / "package-lock.json").read_text())
PACKAGES = {name.rpartition("node_modules/")[2]: about for name, about in LOCK["packages"].items() if name}

ALLOWED = {"MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "CC0-1.0", "Unlicense"} | {
    "BlueOak-1.0.0",
    "OFL-1.1",
    "Zlib",
}
FOR_DEVELOPMENT = {"CC-BY-4.0"}
"""Licences of data for tools; the page contains none of it."""
NOT_NAMED = {
    "fast-shallow-equal": "Unlicense",
    "get-document": "MIT",
    "react-universal-interface": "Unlicense",
}
"""Packages whose package.json does not name the licence beside it."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_page_was_built_from_these_sources() -> None:
    sources = [BROWSER / "package.json", BROWSER / "package-lock.json"]
    for folder in ("build", "src"):
        sources += [path for path in (BROWSER / folder).rglob("*") if path.is_file()]

    digests = {path.relative_to(BROWSER).as_posix(): sha256(path) for path in sources}

    assert digests == MANIFEST["sources"], "run `make viewer` and commit what it builds"


def test_the_bundle_contains_exactly_the_built_files() -> None:
    files = [path for path in BUNDLE.rglob("*") if path.is_file() and path.name != "manifest.json"]

    assert {path.relative_to(BUNDLE).as_posix(): sha256(path) for path in files} == MANIFEST["bundle"]
    assert set(tracked("grafana/viewer/bundle/*")) == {*files, BUNDLE / "manifest.json"}


def is_allowed(name: str, about: dict[str, Any]) -> bool:
    licence = about.get("license", NOT_NAMED.get(name, ""))
    names = set(re.findall(r"[\w.-]+", licence)) - {"AND", "OR"}
    if " OR " in licence:
        return bool(names & ALLOWED)
    return bool(names) and names <= ALLOWED | (FOR_DEVELOPMENT if about.get("dev") else set())


def test_the_licence_of_every_package_allows_distribution() -> None:
    assert len(PACKAGES) > 400
    assert {
        name: about.get("license") for name, about in PACKAGES.items() if not is_allowed(name, about)
    } == {}


@pytest.mark.parametrize("licence", ["AGPL-3.0-only", "GPL-3.0", "MIT AND AGPL-3.0", "UNLICENSED", ""])
def test_other_licences_are_refused(licence: str) -> None:
    assert not is_allowed("x", {"license": licence})


def test_grafanas_prometheus_package_is_not_used() -> None:
    assert "@grafana/prometheus" not in PACKAGES
    assert not [name for name, about in PACKAGES.items() if "AGPL" in str(about.get("license"))]


def test_every_version_is_pinned_and_no_registry_is_named() -> None:
    package = json.loads((BROWSER / "package.json").read_text())

    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert [name for name, about in PACKAGES.items() if "resolved" in about] == []


def test_the_bundle_contains_the_licence_text_of_every_package() -> None:
    text = (BUNDLE / "LICENCES.txt").read_text()

    for name in ("@grafana/ui", "@grafana/scenes", "react", "uplot", "@fontsource/inter"):
        assert f"\n{name} {PACKAGES[name]['version']}, licence: " in text


def test_the_libraries_have_the_versions_of_grafanas_image() -> None:
    (image,) = (image.default for image in IMAGES if image.name == "GRAFANA_IMAGE")

    versions = {PACKAGES[f"@grafana/{name}"]["version"] for name in ("data", "runtime", "ui")}
    assert versions == {image.rpartition(":")[2]}
