"""Valid values of each type of setting, and the errors for others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rq_mon.environment.kinds import BIND_ADDRESS, HOST, PORT, Kind, matching, one_of, whole_number

LEVEL = one_of(("DEBUG", "Info"))
SIZE = matching("[1-9][0-9]*(kb|mb)", "a size such as 1kb")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (PORT, "1", 1),
        (PORT, "65535", 65535),
        (PORT, "06379", 6379),
        (whole_number(0), "0", 0),
        (whole_number(2, 3), "3", 3),
        (whole_number(2, 3), "2", 2),
        (BIND_ADDRESS, "0.0.0.0", "0.0.0.0"),
        (BIND_ADDRESS, "192.0.2.7", "192.0.2.7"),
        (HOST, "127.0.0.1", "127.0.0.1"),
        (HOST, "::", "::"),
        (HOST, "localhost", "localhost"),
        (HOST, "rq-exporter.shop.internal", "rq-exporter.shop.internal"),
        (LEVEL, "debug", "DEBUG"),
        (LEVEL, "INFO", "Info"),
        (SIZE, "12mb", "12mb"),
    ],
)
def test_a_valid_value_is_read(kind: Kind[Any], text: str, value: object) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(
            (PORT, text)
            for text in ("", "0", "65536", "-1", "+1", "1.0", "1e3", "0x10", "1_0", "٣", "9" * 5000)
        ),
        *((whole_number(2, 3), text) for text in ("1", "4", " 2", "²")),
        *(
            (BIND_ADDRESS, text)
            for text in ("localhost", "256.0.0.1", "1.2.3", "010.0.0.1", "::1", "1.2.3.4:80")
        ),
        *(
            (HOST, text)
            for text in ("256.0.0.1", "1.2.3", "a b", "http://localhost", "-a", "[::1]", "a:80", "a\n")
        ),
        (LEVEL, "loud"),
        *((SIZE, text) for text in ("0mb", "1gb", "1mb\n", "1mb 2mb")),
    ],
)
def test_an_invalid_value_is_refused_with_the_value_and_what_was_expected(kind: Kind[Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'{kind.expected}, got {text!r}')}$"):
        kind(text)


def test_the_error_names_the_bounds() -> None:
    assert whole_number(2, 3).expected == "a whole number from 2 to 3"
    assert whole_number(2).expected == "a whole number of at least 2"
    assert LEVEL.expected == "one of DEBUG, Info"
