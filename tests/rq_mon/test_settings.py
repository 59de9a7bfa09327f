"""The settings of the processes: user and password of Redis, which stay out of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.harness.redis_server import RedisServer
from rq_mon.connection.client import connect
from rq_mon.settings import FOR_EACH_JOB, Settings, SettingsError, settings_of_job, variables_of

URL = "RQ_REDIS_URL"
USERNAME = "RQ_REDIS_USERNAME"
PASSWORD_FILE = "RQ_REDIS_PASSWORD_FILE"

AWKWARD = "p@ss/w:rd?#%ä"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{AWKWARD}\n")
    return file


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://queues:7000/2", "redis://ann:p%40ss%2Fw%3Ard%3F%23%25%C3%A4@queues:7000/2"),
        ("rediss://queues", "rediss://ann:p%40ss%2Fw%3Ard%3F%23%25%C3%A4@queues"),
        ("unix:///run/redis.sock", "unix://ann:p%40ss%2Fw%3Ard%3F%23%25%C3%A4@/run/redis.sock"),
    ],
)
def test_user_and_password_become_part_of_the_address(url: str, expected: str, password_file: Path) -> None:
    given = {URL: url, USERNAME: "ann", PASSWORD_FILE: str(password_file)}

    assert Settings.from_environment(given).redis_url == expected


def test_an_address_alone_is_unchanged() -> None:
    assert Settings.from_environment({URL: "redis://:a@b/0"}).redis_url == "redis://:a@b/0"


@pytest.mark.parametrize("variable", [USERNAME, PASSWORD_FILE])
def test_an_address_with_user_or_password_refuses_separate_ones(variable: str, password_file: Path) -> None:
    with pytest.raises(SettingsError, match=f"{URL}: expected an address without user and password") as error:
        Settings.from_environment({URL: "redis://:secret@queues", variable: str(password_file)})

    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file or directory"),
        (b"", "which is empty"),
        (b" \n", "which is empty"),
        (b"one\ntwo\n", "which holds more"),
        (b"\xff\xfe", "which is not text"),
    ],
)
def test_a_file_without_a_password_is_refused_by_its_name(
    content: bytes | None, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as error:
        Settings.from_environment({PASSWORD_FILE: str(file)})

    assert (
        str(error.value) == f"{PASSWORD_FILE}: expected a file with a password on its only line,"
        f" got {file}{':' if content is None else ','} {problem}"
    )


def test_a_folder_as_password_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        Settings.from_environment({PASSWORD_FILE: str(tmp_path)})


def test_printed_settings_show_no_password(password_file: Path) -> None:
    settings = Settings.from_environment({USERNAME: "ann", PASSWORD_FILE: str(password_file)})

    assert "ann" in repr(settings)
    assert "p@ss" not in repr(settings)
    assert "p%40ss" not in repr(settings)


def test_some_settings_can_be_read_even_if_others_are_invalid() -> None:
    environment = {"RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE": "7", "RQ_LOG_LEVEL": "loud", PASSWORD_FILE: "/none"}

    settings = Settings.from_environment(environment, only=["max_functions_per_queue"])

    assert settings == Settings(max_functions_per_queue=7)


def test_every_invalid_setting_is_named() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"RQ_LOG_LEVEL": "loud", "RQ_WORKER_TTL_SECONDS": "15"})

    assert str(error.value).splitlines() == [
        "RQ_WORKER_TTL_SECONDS: expected a whole number from 16 to 3600, got '15'",
        "RQ_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got 'loud'",
    ]


@pytest.mark.needs("redis-server")
@pytest.mark.parametrize("username", ["ann", ""])
def test_redis_accepts_user_and_password_from_the_settings(
    username: str, password_file: Path, tmp_path: Path
) -> None:
    users = tmp_path / "users.acl"
    users.write_text(f"user {username or 'default'} on >{AWKWARD} ~* +@all\n")
    with RedisServer(tmp_path, "--aclfile", str(users)) as server:
        given = {URL: server.url, USERNAME: username, PASSWORD_FILE: str(password_file)}

        with connect(Settings.from_environment(given).redis_url) as client:
            assert client.acl_whoami() == (username or "default")


@pytest.mark.parametrize(
    ("variable", "smallest", "largest"),
    [
        ("RQ_EXPORTER_PORT", 1, 65535),
        ("RQ_WORKER_TTL_SECONDS", 16, 3600),
        ("RQ_JOB_MONITORING_INTERVAL_SECONDS", 1, 600),
        ("RQ_MAINTENANCE_INTERVAL_SECONDS", 1, 3600),
    ],
)
def test_a_number_beyond_either_limit_is_refused(variable: str, smallest: int, largest: int) -> None:
    for accepted in (smallest, largest):
        Settings.from_environment({variable: str(accepted)})
    for refused in (smallest - 1, largest + 1):
        with pytest.raises(SettingsError, match=f"from {smallest} to {largest}, got '{refused}'"):
            Settings.from_environment({variable: str(refused)})


def test_changed_settings_are_read_again_for_each_job(
    monkeypatch: pytest.MonkeyPatch, password_file: Path
) -> None:
    monkeypatch.setenv(URL, "redis://queues")
    monkeypatch.setenv(PASSWORD_FILE, f" {password_file} ")
    first = settings_of_job()
    assert settings_of_job() is first

    password_file.write_text("another\n")
    assert settings_of_job().redis_url == "redis://:another@queues"

    replacement = password_file.with_name("replacement")
    replacement.write_text("1another\n")
    replacement.replace(password_file)
    assert settings_of_job().redis_url == "redis://:1another@queues"

    password_file.unlink()
    with pytest.raises(SettingsError, match=PASSWORD_FILE):
        settings_of_job()
    password_file.write_text("1another\n")
    assert settings_of_job().redis_url == "redis://:1another@queues"

    monkeypatch.delenv(PASSWORD_FILE)
    assert settings_of_job().redis_url == "redis://queues"
    monkeypatch.setenv("RQ_SERIALIZER", "json")
    assert settings_of_job().serializer == "json"


def test_variables_read_for_each_job_are_variables_of_the_settings() -> None:
    assert set(FOR_EACH_JOB) <= variables_of("cron-scheduler")


def test_the_first_job_reports_any_invalid_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "redis://somewhere-else")
    monkeypatch.setenv("RQ_WORKER_TTL_SECONDS", "soon")

    with pytest.raises(SettingsError, match="RQ_WORKER_TTL_SECONDS"):
        settings_of_job()
