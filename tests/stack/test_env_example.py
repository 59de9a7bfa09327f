""".env.example lists every variable that a user can set, with its true default and its meaning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.variables import Variable, variables_in
from rq_mon.settings import Settings
from stack.services import CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE, SERVICES
from stack.settings import PROJECT_ROOT, load_settings
from stack.variables import REDIS_URL, VARIABLES

LINES = (PROJECT_ROOT / ".env.example").read_text().splitlines()
LISTED = {
    match["name"]: match["default"]
    for line in LINES
    if (match := re.fullmatch(r"#(?P<name>[A-Z_]+)=(?P<default>.*)", line))
}
SET_BY_THE_STACK = {"RQ_EXPORTER_HOST"}
"""Where the exporter listens depends on the runtime, not on the user."""


def comment_above(name: str) -> str:
    position = LINES.index(f"#{name}={LISTED[name]}")
    comment: list[str] = []
    while LINES[position - 1].startswith("# "):
        position -= 1
        comment.insert(0, LINES[position][2:])
    return " ".join(comment)


def scheduler_defaults() -> dict[str, str]:
    return {variable.name: variable.default_text for variable in variables_in(Settings).values()}


def compose_defaults() -> dict[str, str]:
    text = "".join((PROJECT_ROOT / name).read_text() for name in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE))
    uncommented = re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE)
    return dict(re.findall(r"(?<!\$)\$\{([A-Z_]+):-([^}]*)\}", uncommented))


def defaults() -> dict[str, str]:
    found = compose_defaults() | scheduler_defaults() | {each.name: each.default_text for each in VARIABLES}
    # Each runtime has its own address for the Redis that comes with the stack.
    return {name: default for name, default in found.items() if name not in SET_BY_THE_STACK} | {
        REDIS_URL: ""
    }


def test_it_lists_every_variable_and_no_other() -> None:
    assert LISTED.keys() == defaults().keys()


@pytest.mark.parametrize("name", LISTED)
def test_it_shows_the_default(name: str) -> None:
    assert LISTED[name] == defaults()[name]


@pytest.mark.parametrize("name", LISTED)
def test_it_says_what_a_variable_means(name: str) -> None:
    assert len(comment_above(name)) > 5


@pytest.mark.parametrize("variable", variables_in(Settings).values(), ids=lambda variable: variable.name)
def test_it_explains_a_setting_of_the_processes_in_their_own_words(variable: Variable[object]) -> None:
    if variable.name not in SET_BY_THE_STACK:
        assert variable.meaning in comment_above(variable.name)


def test_it_names_the_service_of_each_port() -> None:
    for service in SERVICES:
        if service.port_variable and service.port_variable not in scheduler_defaults():
            assert service.name in comment_above(service.port_variable)


def test_a_copy_without_the_comment_signs_can_be_used_as_it_is(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text("\n".join(re.sub(r"^#(?=[A-Z])", "", line) for line in LINES))

    assert read_dotenv(copy) == LISTED
    assert load_settings({}, copy).ports == load_settings({}, tmp_path / "none").ports
