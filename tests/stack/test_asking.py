"""YES=1 answers questions, but never chooses a runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.asking import confirmed, refuse_yes_for_a_runtime
from stack.runtime import StackError
from stack.settings import load_settings


def test_yes_does_not_choose_a_runtime(tmp_path: Path) -> None:
    settings = load_settings({"YES": "1"}, tmp_path / ".env")

    with pytest.raises(StackError, match=r"YES=1 does not choose one\. Choose one: RUNTIME=compose or"):
        refuse_yes_for_a_runtime(settings)


@pytest.mark.parametrize("given", [{"YES": "1", "RUNTIME": "native"}, {"YES": "yes"}, {}], ids=str)
def test_a_user_who_chose_a_runtime_or_confirms_can_continue(tmp_path: Path, given: dict[str, str]) -> None:
    refuse_yes_for_a_runtime(load_settings(given, tmp_path / ".env"))


@pytest.mark.parametrize(("answer", "is_yes"), [("1", True), ("yes", False), ("0", False), ("", False)])
def test_without_a_terminal_only_yes_1_confirms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str, is_yes: bool
) -> None:
    assert confirmed(load_settings({"YES": answer}, tmp_path / ".env"), "Remove it?") is is_yes
    assert ("set YES=1" in capsys.readouterr().err) is not is_yes
