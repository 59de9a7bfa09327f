"""The one reader of settings."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rq_mon.environment.kinds import PORT, TEXT, whole_number
from rq_mon.environment.variables import (
    SettingsError,
    Variable,
    read_all,
    read_fields,
    setting,
    variables_in,
)

WORKERS = Variable("WORKERS", 2, whole_number(1, 9), "How many.")
LISTEN = Variable("LISTEN", 9000, PORT, "Where.")
TITLE: Variable[str | None] = Variable("TITLE", None, TEXT, "What.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    workers: int = setting(WORKERS)
    listen: int = setting(LISTEN)
    title: str | None = setting(TITLE, secret=True)
    opened: bool = False


@pytest.mark.parametrize("text", ["", " ", None])
def test_a_variable_that_is_unset_or_empty_has_its_default(text: str | None) -> None:
    assert WORKERS.read({} if text is None else {"WORKERS": text}) == 2


def test_a_value_is_read_without_the_spaces_around_it() -> None:
    assert WORKERS.read({"WORKERS": " 3 "}) == 3


def test_a_variable_reads_the_environment_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "4")

    assert WORKERS.read() == 4


def test_an_invalid_value_is_refused_by_the_name_of_its_variable() -> None:
    with pytest.raises(SettingsError) as refused:
        WORKERS.read({"WORKERS": "ten"})

    assert str(refused.value) == "WORKERS: expected a whole number from 1 to 9, got 'ten'"


def test_every_problem_gets_a_line() -> None:
    with pytest.raises(SettingsError) as refused:
        read_all((WORKERS, TITLE, LISTEN), {"WORKERS": "10", "TITLE": "shop", "LISTEN": "0"})

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == ["WORKERS", "LISTEN"]


def test_the_fields_of_a_class_are_read_from_their_variables() -> None:
    assert variables_in(ShopSettings) == {"workers": WORKERS, "listen": LISTEN, "title": TITLE}
    assert ShopSettings(**read_fields(ShopSettings, {"LISTEN": "81", "OPENED": "1"})) == ShopSettings(
        listen=81
    )


def test_single_fields_are_read_even_if_others_are_invalid() -> None:
    environment = {"WORKERS": "3", "LISTEN": "nowhere"}

    assert read_fields(ShopSettings, environment, only=["workers"]) == {"workers": 3}


def test_a_secret_is_not_printed() -> None:
    shown = repr(ShopSettings(title="secret", workers=7))

    assert "7" in shown
    assert "secret" not in shown


@pytest.mark.parametrize(("variable", "text"), [(WORKERS, "2"), (TITLE, "")])
def test_a_default_is_shown_as_users_write_it(variable: Variable[object], text: str) -> None:
    assert variable.default_text == text
