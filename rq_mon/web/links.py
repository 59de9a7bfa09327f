"""Names of queues, jobs and functions in addresses. They may be any bytes, so they are in the query only."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode

from flask import request

MARGIN = 15 * 60
"""Seconds that a dashboard shows before and after its subject."""


def link(path: str, **values: object) -> str:
    """Return a path with these values as its query; None and empty values are left out."""
    given = [(name, _raw(value)) for name, value in values.items() if value not in (None, "")]
    return f"{path}?{urlencode(given)}" if given else path


def asked(name: str) -> str:
    """Return a value of this request's query, with bytes that are not UTF-8 as surrogates; "" if missing."""
    query = request.query_string.decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return next((value for each, value in pairs if each == name), "")


def in_form(value: str) -> str:
    """Return text as the value of a form field; `from_form` decodes it to the same bytes."""
    return quote(_raw(value), safe="")


def from_form(value: str) -> str:
    """Return the text that `in_form` wrote."""
    return unquote(value, errors="surrogateescape")


def local_path(path: str) -> str:
    r"""Return a path if it leads to one of our pages, else the first page: `//host` and `/\\host` do not."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"


def to_dashboard(
    base: str | None, uid: str, span: tuple[float, float | None] | None = None, **variables: object
) -> str | None:
    """Return the address of a Grafana dashboard with these variables chosen; None without a Grafana.

    Args:
        base: address of Grafana.
        uid: of the dashboard.
        span: Unix times that the dashboard shows, None for now; without it, the dashboard's own choice.
        variables: of the dashboard; None and empty ones keep their default.
    """
    if not base:
        return None
    chosen = {f"var-{name}": value for name, value in variables.items()}
    since, until = span or (None, None)
    times = {} if since is None else {"from": _milliseconds(since), "to": _milliseconds(until) or "now"}
    return link(f"{base}/d/{uid}", **chosen, **times)


def around(began: float | None, ended: float | None, now: float) -> tuple[float, float | None]:
    """Return the span around these times to show; until now if that is not long ago."""
    until = (ended or now) + MARGIN
    return (now if began is None else began) - MARGIN, None if until >= now else until


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else int(at * 1000)


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
