"""Read errors are counted by their reason, and each is logged once."""

from __future__ import annotations

import pytest
from redis import exceptions

from rq_mon.connection.tls import TlsError
from rq_mon.state.errors import MAX_REMEMBERED, Errors

OUTAGES: dict[str, list[Exception]] = {
    "unreachable": [exceptions.ConnectionError("gone"), ConnectionRefusedError("refused")],
    "timeout": [exceptions.TimeoutError("slow"), TimeoutError("slow")],
    "loading": [exceptions.BusyLoadingError("LOADING")],
    "tls": [TlsError("no certificate")],
    "authentication": [
        exceptions.AuthenticationError("WRONGPASS"),
        exceptions.AuthenticationWrongNumberOfArgsError("AUTH"),
    ],
    "permission": [exceptions.NoPermissionError("NOPERM")],
    "redis_error": [exceptions.ResponseError("ERR")],
    "internal": [KeyError("ours")],
}


@pytest.mark.parametrize(("reason", "causes"), OUTAGES.items(), ids=OUTAGES)
def test_an_outage_is_counted_by_its_reason(reason: str, causes: list[Exception]) -> None:
    errors = Errors()
    before = errors.counts()

    for cause in causes:
        errors.outage(cause)

    changed = {name: number for name, number in errors.counts().items() if number}
    assert changed == {reason: len(causes)}
    assert before == dict.fromkeys(before, 0)


@pytest.mark.parametrize("theme", ["workers", "queues", "jobs", "cron", "objectives"])
def test_unreadable_data_are_counted_by_their_place(theme: str) -> None:
    errors = Errors()

    errors.count(theme, "first")  # type: ignore[arg-type]
    errors.count(theme, "second")  # type: ignore[arg-type]

    assert {name: number for name, number in errors.counts().items() if number} == {theme: 2}


def test_errors_are_logged_up_to_a_limit_and_all_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = Errors()

    for _ in range(2):
        for number in range(MAX_REMEMBERED + 2):
            errors.count("jobs", f"job {number}")

    assert len(caplog.messages) == MAX_REMEMBERED
    assert caplog.messages[0] == "jobs: job 0"
    assert errors.counts()["jobs"] == 2 * (MAX_REMEMBERED + 2)
