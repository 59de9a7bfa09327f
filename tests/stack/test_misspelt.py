"""A misspelt setting in `.env` is refused with a suggestion; other names pass."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from stack import credentials
from stack.misspelt import misspelt
from stack.runtime import StackError
from stack.settings import load_settings
from stack.variables import KNOWN_NAMES, SETTINGS

OURS = sorted(variable.name for variable in SETTINGS)


def mistakes(name: str) -> set[str]:
    """One typo of a name: a letter more, less, replaced, or two swapped."""
    places = (0, 1, len(name) // 2, len(name) - 2, len(name) - 1)
    cuts = [(name[:place], name[place:]) for place in places]
    return {
        *(head + tail[1:] for head, tail in cuts),
        *(head + "X" + tail for head, tail in cuts),
        *(head + "X" + tail[1:] for head, tail in cuts),
        *(head + tail[1:2] + tail[:1] + tail[2:] for head, tail in cuts),
        f"{name}S",
        name.lower(),
    } - KNOWN_NAMES


@pytest.mark.parametrize("name", OURS)
def test_every_typo_in_every_name_is_answered_with_the_right_name(name: str) -> None:
    for mistake in mistakes(name):
        (line,) = misspelt([mistake])
        assert (
            line == f"{mistake} in .env: expected a name from docs/operate/settings.md; did you mean {name}?"
        )


@pytest.mark.parametrize("name", [name for name in OURS if len(name) >= 6])
def test_two_typos_are_found_too(name: str) -> None:
    places = (0, 1, len(name) // 2, len(name) - 1)
    for first, second in itertools.combinations(places, 2):
        mistake = name[:first] + "X" + name[first + 1 : second] + "X" + name[second + 1 :]
        assert len(misspelt([mistake])) == (mistake not in KNOWN_NAMES)


@pytest.mark.parametrize("name", sorted(KNOWN_NAMES))
def test_our_names_are_accepted(name: str) -> None:
    assert misspelt([name]) == []


@pytest.mark.parametrize(
    "name",
    [
        *("COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_PROFILES", "DOCKER_HOST", "DOCKER_MEMORY"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "ALL_PROXY"),
        *("PATH", "HOME", "TZ", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "PIP_INDEX_URL", "DEBUG", "PORT"),
        *(
            "REDIS_HOST",
            "REDIS_URL",
            "REDIS_DB",
            "REDIS_PASSWORD",
            "REDIS_POOL",
            "REDIS_CERT",
            "GRAFANA_HOST",
        ),
        *("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "POSTGRES_PORT", "SENTRY_DSN", "SMTP_HOST"),
        *("RQ_WORKER_CLASS", "RQ_DASHBOARD_HOST", "PREVIEW_PORT", "VIEWER_NAMES"),
    ],
)
def test_names_of_other_programs_are_accepted(name: str) -> None:
    assert misspelt([name]) == []


def test_the_stack_reports_invalid_names_and_values_together(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("REDISPORT=7001\nRUNTIME=podman\nAPI_KEY=mine\nSHORT_RUNNING_WORKER=3\n")

    with pytest.raises(StackError) as error:
        load_settings({}, dotenv)

    assert str(error.value).splitlines() == [
        "REDISPORT in .env: expected a name from docs/operate/settings.md; did you mean REDIS_PORT?",
        "SHORT_RUNNING_WORKER in .env: expected a name from docs/operate/settings.md;"
        " did you mean SHORT_RUNNING_WORKERS?",
        "RUNTIME: expected compose or native, got 'podman'",
    ]


def test_the_environment_may_hold_any_name(tmp_path: Path) -> None:
    assert load_settings({"REDISPORT": "7001"}, tmp_path / ".env").environment == {"REDISPORT": "7001"}


def test_plain_compose_does_not_start_with_a_misspelt_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The container that runs before all others reads compose's file, and exits with 1."""
    (tmp_path / ".env").write_text("GRAFANA_POTR=3001\n")
    monkeypatch.setattr(credentials, "PROJECT", tmp_path)
    monkeypatch.setattr(credentials, "SECRETS_DIRECTORY", tmp_path / "secrets")

    assert credentials.main() == 1

    assert "did you mean GRAFANA_PORT?" in capsys.readouterr().err
    assert not (tmp_path / "secrets").exists()
