"""Links in every Markdown file: the file and the heading exist, and URLs are well formed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docs.reference.page import Page
from rq_mon.ports import GRAFANA_PORT
from tests.harness.sources import ROOT, tracked

COPIES = ROOT / "rq_mon" / "export" / "data"
"""Runbooks are in the package too, and the job pages follow only links between them."""
FILES = [path for path in tracked("*.md") if COPIES not in path.parents and path.name != "template.md"]

SOURCES = (
    "*.py",
    "*.yml",
    "*.yaml",
    "*.html",
    "*.ts",
    "*.tsx",
    "Makefile",
    ".env.example",
    ":(exclude)tests/docs",
)
PAGE_NAMED = re.compile(r"\bdocs/[\w./-]+\.md\b")

TRACKED = {folder for path in tracked() for folder in (path, *path.parents)}


def dead_links(path: Path, page: Page) -> list[str]:
    """Return the broken links."""
    return [link for link in page.links if not _target_exists(path, link)]


def _target_exists(path: Path, link: str) -> bool:
    if urlsplit(link).scheme:
        return _is_well_formed(link)
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if target not in TRACKED:
        return False
    return not anchor or (target.suffix == ".md" and anchor in Page.read(target).anchors)


def _is_well_formed(link: str) -> bool:
    parts = urlsplit(link)
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and ("." in host or host == "localhost")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_broken(path: Path) -> None:
    assert dead_links(path, Page.read(path)) == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name == "runbooks"], ids=lambda path: path.stem
)
def test_a_runbook_names_no_port_but_grafanas(path: Path) -> None:
    """Users may change ports; `make status` prints them, and the job pages replace Grafana's."""
    addresses = re.findall(r"//(127\.0\.0\.1:\d+)", path.read_text())
    assert set(addresses) <= {f"127.0.0.1:{GRAFANA_PORT}"}


@pytest.mark.parametrize(
    "link",
    [
        "docs/no-such-page.md",
        "../outside.md",
        "docs/use/cron.md#no-such-heading",
        "#no-such-heading",
        "cron_jobs.py#L1",
        "https://",
        "htps://grafana.com",
        "https://grafana",
        "mailto:someone",
        ".venv/bin/python",
    ],
)
def test_a_broken_link_is_found(link: str) -> None:
    page = Page(f"# Title\n\nRead [this]({link}).\n")

    assert len(dead_links(ROOT / "README.md", page)) == 1


def test_links_in_tables_lists_and_pictures_are_read_and_those_in_code_are_not() -> None:
    page = Page(
        "| a |\n|---|\n| [x](one) |\n\n- ![y](two)\n\n`[z](three)`\n\n```\n[z](four)\n```\n\n<http://five.example>\n"
    )

    assert page.links == ["one", "two", "http://five.example"]


def test_links_and_pictures_in_html_are_read() -> None:
    page = Page(
        '<picture>\n  <source srcset="one">\n  <img src="two">\n</picture>\n\nText <a href="three">x</a>.\n'
    )

    assert page.links == ["one", "two", "three"]


def test_every_page_that_another_file_names_exists() -> None:
    """Messages, comments and help name pages by their path in the repository."""
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in tracked(*SOURCES)
        for name in PAGE_NAMED.findall(path.read_text(encoding="utf-8"))
    }

    assert ("stack/misspelt.py", "docs/operate/settings.md") in named
    assert sorted((path, name) for path, name in named if ROOT / name not in TRACKED) == []


def test_headings_with_the_same_text_have_separate_anchors_as_on_github() -> None:
    page = Page("# A `b`: c_d, e!\n## Fix\n## Fix\n")

    assert page.anchors == {"a-b-c_d-e", "fix", "fix-1"}
