"""The runbooks: what to do about each alert. They need no login."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template
from markupsafe import Markup

from rq_mon.export.runbooks import runbook_texts
from rq_mon.ports import GRAFANA_PORT
from rq_mon.web.site import site

if TYPE_CHECKING:
    from markdown_it.token import Token

blueprint = Blueprint("runbooks", __name__)

LOCAL_GRAFANA = f"http://127.0.0.1:{GRAFANA_PORT}/"
INDEX = "README"
RUNBOOK = re.compile(r"(?P<name>[A-Za-z-]+)\.md(?P<anchor>#.*)?")


@blueprint.get("/runbooks/")
def runbooks() -> str:
    """List the runbooks."""
    return runbook(INDEX)


@blueprint.get("/runbooks/<name>")
@blueprint.get("/docs/runbooks/<name>.md")  # where alerts lead, here as in the repository
def runbook(name: str) -> str:
    """Show one."""
    text = runbook_texts().get(f"{name}.md")
    if text is None:
        abort(HTTPStatus.NOT_FOUND, "There is no such runbook. /runbooks/ lists them.")
    return render_template(
        "runbook.html", name=name, content=_html(text, site().settings.grafana_url), is_index=name == INDEX
    )


@cache
def _html(text: str, grafana_url: str | None) -> Markup:
    """Render a runbook. Its links lead to the other runbooks and to Grafana; other files are not here."""
    from markdown_it import MarkdownIt  # a sixth of what the process would load at its start

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token in tokens:
        _lead_links(token.children or (), grafana_url)
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 - our own file


def _lead_links(tokens: Iterable[Token], grafana_url: str | None) -> None:
    tag = "a"
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrs["href"]), grafana_url)
            tag = "a" if target else "span"
            token.attrs = {"href": target} if target else {"title": "a file of the repository"}
        if token.type in ("link_open", "link_close"):
            token.tag = tag


def _target(href: str, grafana_url: str | None) -> str | None:
    if found := RUNBOOK.fullmatch(href):
        return f"/runbooks/{found['name']}{found['anchor'] or ''}"
    if href.startswith(LOCAL_GRAFANA):
        return f"{grafana_url}/{href.removeprefix(LOCAL_GRAFANA)}" if grafana_url else href
    return href if href.startswith(("https://", "http://", "#")) else None
