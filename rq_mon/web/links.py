"""Names of queues, jobs and functions in addresses: any bytes, so they go into the query, never the path."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from flask import request

MARGIN = 15 * 60
"""Seconds that a dashboard shows before and after what it is about."""


def link(path: str, **values: object) -> str:
    """Return a path with these values as its query; what is None or empty is left out."""
    given = [(name, _raw(value)) for name, value in values.items() if value not in (None, "")]
    return f"{path}?{urlencode(given)}" if given else path


def asked(name: str) -> str:
    """Return what the query of this request says, with bytes that are no UTF-8 as surrogates; or nothing."""
    query = request.query_string.decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return next((value for each, value in pairs if each == name), "")


def in_form(value: str) -> str:
    """Return text as the value of a form's field; `from_form` returns it, whatever bytes it stands for."""
    return quote(_raw(value), safe="")


def from_form(value: str) -> str:
    """Return the text that `in_form` wrote."""
    return unquote(value, errors="surrogateescape")


def local_path(path: str) -> str:
    r"""Return a path if it leads to a page of ours, else the first page: `//host` and `/\host` do not."""
    parts = urlsplit(path.replace("\\", "/"))
    is_ours = not parts.scheme and not parts.netloc and path.startswith("/") and path.isprintable()
    return path if is_ours and not path.replace("\\", "/").startswith("//") else "/"


def to_dashboard(
    base: str | None, uid: str, span: tuple[float, float | None] | None = None, **variables: object
) -> str | None:
    """Return the address of a Grafana dashboard with these variables chosen; None without a Grafana.

    Args:
        base: address of Grafana.
        uid: of the dashboard.
        span: Unix times that the dashboard shows, None for now; without any, its own choice.
        variables: of the dashboard; those that are None or empty keep their default.
    """
    if not base:
        return None
    chosen = {f"var-{name}": value for name, value in variables.items()}
    since, until = span or (None, None)
    times = {} if since is None else {"from": _milliseconds(since), "to": _milliseconds(until) or "now"}
    return link(f"{base}/d/{uid}", **chosen, **times)


def around(began: float | None, ended: float | None, now: float) -> tuple[float, float | None]:
    """Return what to show of this time: some before and after it; until now if that is not long ago."""
    until = (ended or now) + MARGIN
    return (now if began is None else began) - MARGIN, None if until >= now else until


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else int(at * 1000)


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
