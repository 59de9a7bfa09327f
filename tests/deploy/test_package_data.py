"""The package exports the same files that the stack loads."""

from __future__ import annotations

from deploy.package_data.generate import DATA, package_data


def test_the_copies_are_up_to_date() -> None:
    committed = {path: path.read_text(encoding="utf-8") for path in DATA.rglob("*.*")}

    assert committed == package_data(), "run `make manifests` and commit what it writes"
