"""Values from Redis: an unreadable one becomes None, is counted, and is logged with its place."""

from __future__ import annotations

import logging

import pytest

from rq_mon.state.errors import Errors
from rq_mon.state.values import Fields, hash_of, names_of


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("number", b"-2.5", -2.5),
        ("count", b"0", 0),
        ("count", b"3", 3),
        ("timestamp", b"2026-01-01T00:00:01+00:00", 1767225601),
    ],
)
def test_a_valid_value_is_read_without_an_error(kind: str, raw: bytes, value: float) -> None:
    errors = Errors()

    assert getattr(Fields("jobs", errors), kind)(raw, "waits", "mail") == value
    assert errors.counts()["jobs"] == 0


@pytest.mark.parametrize(
    ("kind", "raw", "why"),
    [
        ("number", b"x", "not a number"),
        ("number", b"nan", "not a number"),
        ("number", b"-inf", "not a number"),
        ("count", b"x", "not a number"),
        ("count", b"-1", "below 0"),
        ("timestamp", b"yesterday", "not a date in UTC"),
        ("timestamp", b"2026-01-01T00:00:00", "not a date in UTC"),
        ("timestamp", b"\xff", "not a date in UTC"),
    ],
)
def test_an_invalid_value_is_none_and_counted_once(
    kind: str, raw: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    errors = Errors()
    with caplog.at_level(logging.WARNING):
        assert getattr(Fields("jobs", errors), kind)(raw, "waits", "mail") is None

    assert {reason: count for reason, count in errors.counts().items() if count} == {"jobs": 1}
    assert caplog.messages == [f"jobs: waits 'mail' is {raw!r}, {why}"]


def test_the_log_shows_the_beginning_of_long_garbage(caplog: pytest.LogCaptureFixture) -> None:
    Fields("cron", Errors()).number(b"x" * 51, "next tick", "nightly")

    assert f"cron: next tick 'nightly' is {b'x' * 50!r}, not a number" in caplog.messages


def test_keys_are_named_once_without_their_prefix() -> None:
    errors = Errors()
    members = [b"rq:queue:mail", b"rq:queue:\\xff", b"rq:queue:\xff", b"foreign"]

    names = names_of(members, b"rq:queue:", "rq:queues", Fields("queues", errors))

    assert names == {"mail": b"rq:queue:mail", "\\xff": b"rq:queue:\\xff"}
    assert errors.counts()["queues"] == 2


@pytest.mark.parametrize("reply", [{b"a": b"1", b"b": b"2"}, [b"a", b"1", b"b", b"2"]])
def test_a_hash_is_read_from_resp2_and_resp3(reply: object) -> None:
    assert hash_of(reply) == {b"a": b"1", b"b": b"2"}
    assert hash_of(None) == {}
