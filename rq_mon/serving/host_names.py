"""Which Host and Origin headers a server answers to.

A page of another site can make its own name lead to this machine (DNS rebinding). To the browser, page and
server are then one origin. But the Host header still has the page's name, and a page can have neither an IP
address nor a private name of its own.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]+))(?::[0-9]*)?")
PRIVATE_DOMAINS = (".localhost", ".internal", ".svc", ".cluster.local")
"""Ends of names that no registry sells: Docker, Kubernetes and private networks use them."""


def own_names(listens_on: str, given: str) -> frozenset[str]:
    """Return the names of a server: localhost, the host that it listens on, and a list with commas."""
    names = (name.strip().lower() for name in given.split(","))
    return frozenset({"localhost", listens_on.lower(), *filter(None, names)})


def is_own_name(host: str, names: frozenset[str]) -> bool:
    """Return whether a Host header has an IP address, or one of these names."""
    name = _name_in(host)
    try:
        return name in names or bool(ip_address(name))
    except ValueError:
        return False


def is_private_name(host: str) -> bool:
    """Return whether a Host header has a name that means something in its own network only."""
    name = _name_in(host)
    return bool(name) and ("." not in name or name.endswith(PRIVATE_DOMAINS))


def is_own_origin(origin: str | None, host: str) -> bool:
    """Return whether an Origin header, if there is one, has the same host and port as the Host header."""
    return origin is None or origin.partition("://")[2] == host


def _name_in(host: str) -> str:
    """Return the name or address in lower case, without port and final dot; empty if it is malformed."""
    found = _HOST.fullmatch(host.lower())
    return (found["address"] or found["name"]).removesuffix(".") if found else ""
