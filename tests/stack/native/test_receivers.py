"""Only Alertmanager's user can read receivers and their passwords."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stack.native.accounts import Account, ensure_accounts
from stack.native.receivers import hand_receivers
from stack.runtime import StackError

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")]


@pytest.fixture(scope="module")
def account() -> Account:
    return ensure_accounts().services


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine" / "inner").mkdir(parents=True)
    return tmp_path / "mine"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_named_by_receivers_are_copied_and_only_those_in_the_folder_are_made_private(
    folder: Path, tmp_path: Path, account: Account
) -> None:
    outside = tmp_path / "ca.pem"
    files = {folder / "slack": "slack", folder / "inner/token": "token", outside: "ca"}
    for file, text in files.items():
        file.write_text(text)
        file.chmod(0o644)
    (folder / "receivers.yml").write_text(
        "receivers:\n"
        f"  - {{name: a, slack_configs: [{{api_url_file: slack}}], url: 'https://x{outside}'}}\n"
        f"  - {{name: b, tls_config: {{ca_file: {outside}}}, credentials_file: inner/token}}\n"
        "  - {name: c, slack_configs: [{api_url_file: missing}]}\n"
    )
    copy = tmp_path / "copy"

    hand_receivers(folder, copy, account)

    name = str(outside).replace("/", "-")
    assert {file.name: file.read_text() for file in copy.iterdir() if file.name != "receivers.yml"} == {
        "slack": "slack",
        "inner-token": "token",
        name: "ca",
    }
    text = (copy / "receivers.yml").read_text()
    for expected in (
        f"ca_file: {name}}}",
        "credentials_file: inner-token",
        f"'https://x{outside}'",
        "missing",
    ):
        assert expected in text
    assert {(file.owner(), mode(file)) for file in copy.iterdir()} == {(account.name, 0o600)}
    assert mode(copy) == 0o700
    originals = [folder / name for name in ("receivers.yml", "slack", "inner/token")]
    assert [mode(file) for file in originals] == [0o640] * 3
    assert mode(outside) == 0o644


def test_copies_of_unused_files_are_removed(folder: Path, tmp_path: Path, account: Account) -> None:
    (folder / "slack").write_text("slack")
    (folder / "receivers.yml").write_text("receivers: [{name: a, slack_configs: [{api_url_file: slack}]}]")
    hand_receivers(folder, tmp_path / "copy", account)
    (folder / "receivers.yml").write_text("receivers: [{name: a}]")

    hand_receivers(folder, tmp_path / "copy", account)

    assert [file.name for file in (tmp_path / "copy").iterdir()] == ["receivers.yml"]


@pytest.mark.parametrize("text", [None, "receivers: [", "receivers: [{api_url_file: inner}]"])
def test_an_unreadable_file_is_named(
    folder: Path, tmp_path: Path, account: Account, text: str | None
) -> None:
    if text:
        (folder / "receivers.yml").write_text(text)

    with pytest.raises(StackError, match=f"{folder}/receivers.yml: "):
        hand_receivers(folder, tmp_path / "copy", account)
