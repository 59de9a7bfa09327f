"""What a start reports about the one before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.last_start import OWN_REDIS, LastStart, last_start, leaves_redis, settings_left_out, this_start
from stack.settings import StackSettings, load_settings

SECRET = "hunter2"


def settings(tmp_path: Path, dotenv: str = "", **environment: str) -> StackSettings:
    file = tmp_path / ".env"
    file.write_text(dotenv)
    return load_settings(environment, file)


def test_only_settings_of_the_command_line_are_remembered_and_only_by_name(tmp_path: Path) -> None:
    started = settings(tmp_path, "REDIS_PORT=7001\nGRAFANA_PORT=3001\n", GRAFANA_PORT="3002", HOME="/root")

    this_start(started).write(tmp_path / "kept")

    assert last_start(tmp_path / "kept") == LastStart(OWN_REDIS, ["GRAFANA_PORT"])


def test_a_missing_setting_is_named_until_the_file_or_the_command_line_sets_it(tmp_path: Path) -> None:
    last = LastStart(OWN_REDIS, ["GRAFANA_PORT", "RQ_LOG_LEVEL"])

    assert settings_left_out(last, settings(tmp_path, RQ_LOG_LEVEL="")) == ["GRAFANA_PORT", "RQ_LOG_LEVEL"]
    assert settings_left_out(last, settings(tmp_path, "RQ_LOG_LEVEL=DEBUG\n")) == ["GRAFANA_PORT"]
    assert settings_left_out(last, settings(tmp_path, GRAFANA_PORT="3003")) == ["RQ_LOG_LEVEL"]
    assert settings_left_out(None, settings(tmp_path)) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://ann:{SECRET}@queues.example:7000/3", "redis://queues.example:7000/3"),
        (f"redis://queues.example?password={SECRET}&db=5", "redis://queues.example/5"),
        ("rediss://queues.example", "rediss://queues.example/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        (f"redis+sentinel://:{SECRET}@a:1,b:2/shop/1", "redis+sentinel://a:1,b:2/shop/1"),
        ("", OWN_REDIS),
        ("redis://localhost:6379", OWN_REDIS),
    ],
)
def test_no_password_is_remembered(tmp_path: Path, url: str, shown: str) -> None:
    start = this_start(settings(tmp_path, RQ_REDIS_URL=url))

    start.write(tmp_path / "kept")

    assert start.redis == shown
    assert SECRET not in (tmp_path / "kept").read_text()


def test_a_redis_is_another_one_if_its_address_or_database_differs(tmp_path: Path) -> None:
    last = this_start(settings(tmp_path, RQ_REDIS_URL="redis://queues.example/1"))

    assert leaves_redis(last, settings(tmp_path, RQ_REDIS_URL=f"redis://:{SECRET}@queues.example/1")) is None
    assert leaves_redis(last, settings(tmp_path, RQ_REDIS_URL="redis://queues.example/2")) == last.redis
    assert leaves_redis(last, settings(tmp_path)) == last.redis
    assert leaves_redis(None, settings(tmp_path)) is None


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"redis": "x"}', '{"redis": "x", "given": 1}'])
def test_an_unreadable_note_counts_as_missing(tmp_path: Path, text: str) -> None:
    (tmp_path / "kept").write_text(text)

    assert last_start(tmp_path / "kept") is None
    assert last_start(tmp_path / "none") is None
