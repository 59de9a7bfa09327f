"""Checks of the users' options, before anything is written."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from rq_mon.environment.kinds import PORT
from rq_mon.ports import RQ_EXPORTER_PORT

LONGEST_INTERVAL = 60
"""Seconds. The rules look back five minutes and need several scrapes in that time."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_IN_URL = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_SECONDS = re.compile(r"([1-9][0-9]{0,4})(s|m)")


def web_address(text: str) -> str:
    """Return an http or https address without trailing slashes.

    Raises:
        ValueError: it is not such an address, or nothing can be appended because of a query or fragment.
    """
    address = text.rstrip("/")
    if not _is_web_address(address):
        raise ValueError(f"expected an address such as https://grafana.example.com, got {text!r}")
    return address


def runbook_address(text: str) -> str:
    """Return the address of a runbook with {name} for the alert's name, which is appended by default.

    Raises:
        ValueError: it is not such an address.
    """
    address = text if "{name}" in text else f"{text.rstrip('/')}/{{name}}"
    if not _is_web_address(address.replace("{name}", "Name")):
        raise ValueError(
            "expected an address such as https://runbooks.example.com, or https://example.com/{name}.md, "
            f"got {text!r}"
        )
    return address


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        return False
    return bool(
        _IN_URL.fullmatch(text)
        and parts.scheme in {"http", "https"}
        and parts.hostname
        and has_port
        and not parts.query
        and not parts.fragment
        and "?" not in text
        and "#" not in text
    )


def redis_name(text: str) -> str:
    """Return the name of a Redis, which becomes the label `instance`.

    Raises:
        ValueError: it is too long, or has other characters than letters, digits, `.`, `_`, `:` and `-`.
    """
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"expected up to 100 letters, digits, '.', '_', ':' or '-', a letter or digit first, got {text!r}"
        )
    return text


def host_and_port(text: str) -> str:
    """Return the address of an exporter as Prometheus expects it.

    Raises:
        ValueError: it is not host:port.
    """
    expected = f"expected host:port, such as 127.0.0.1:{RQ_EXPORTER_PORT}, got {text!r}"
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
        raise ValueError(expected)
    try:
        PORT(port)
    except ValueError as error:
        raise ValueError(expected) from error
    return text


def scrape_interval(text: str) -> int:
    """Return the seconds of a scrape interval in Prometheus' notation, such as 30s.

    Raises:
        ValueError: it is not an interval, or too long for the rules.
    """
    found = _SECONDS.fullmatch(text)
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else 0
    if not 1 <= seconds <= LONGEST_INTERVAL:
        raise ValueError(f"expected 1s to {LONGEST_INTERVAL}s, such as 30s, got {text!r}")
    return seconds


def data_source(text: str) -> str:
    """Return the name of a Grafana data source.

    Raises:
        ValueError: it is empty, too long for Grafana, or has invisible characters.
    """
    if not (0 < len(text) <= 190 and text.isprintable() and text == text.strip()):
        raise ValueError(f"expected the name of a data source in Grafana, such as Prometheus, got {text!r}")
    return text
