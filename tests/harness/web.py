"""The job pages as a process that serves HTTP, and a logged-in session."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import quote

import requests

from proofs.harness.ports import free_port
from proofs.harness.servers import Server, running

PASSWORD = "right horse"
FORM = re.compile(r"<form\b[^>]*?action=\"(?P<action>[^\"]*)\"[^>]*>(?P<body>.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<input type=\"hidden\" name=\"(?P<name>[^\"]*)\" value=\"(?P<value>[^\"]*)\">")


@contextmanager
def running_web(
    directory: Path, redis_url: str, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run `python -m rq_mon.web` on a port of its own."""
    port = free_port()
    secret = directory / "web-password"
    secret.write_text(f"{PASSWORD}\n")
    environment = {
        "RQ_REDIS_URL": redis_url,
        "RQ_MON_WEB_PORT": str(port),
        "RQ_MON_WEB_PASSWORD_FILE": str(secret),
        **(settings or {}),
    }
    command = [sys.executable, "-m", "rq_mon.web"]
    with running("web", directory, port, command, "/health", environment) as server:
        yield server


class Operator:
    """A person who reads the pages and presses their buttons, without a browser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def log_in(self, password: str = PASSWORD) -> requests.Response:
        form = {"user": "rq-mon", "password": password, "next": "/"}
        return self.session.post(f"{self.url}/login", data=form, timeout=60)

    def get(self, path: str, *, expected: int = 200, **query: str) -> str:
        given = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        answer = self.session.get(f"{self.url}{path}{'?' if given else ''}{given}", timeout=60)
        assert answer.status_code == expected, answer.text
        return answer.text

    def press(self, page: str, action: str, expected: int = 200, **fields: str) -> str:
        """Submit the first form of a page whose action begins with this."""
        for form in FORM.finditer(page):
            if unescape(form["action"]).startswith(action):
                data = [(unescape(n), unescape(v)) for n, v in FIELD.findall(form["body"])]
                return self.post(unescape(form["action"]), [*data, *fields.items()], expected)
        raise AssertionError(f"no form {action} in {page}")

    def post(self, path: str, data: list[tuple[str, str]], expected: int = 200) -> str:
        answer = self.session.post(f"{self.url}{path}", data=data, timeout=60)
        assert answer.status_code == expected, answer.text
        return answer.text
