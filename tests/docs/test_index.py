"""docs/README.md reaches every page. Each page begins with its readers and ends with what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.reference.page import Page
from tests.harness.sources import ROOT, tracked

INDEX = ROOT / "docs" / "README.md"
RUNBOOKS = ROOT / "docs" / "runbooks" / "README.md"
PAGES = sorted(set(tracked("docs/*.md")) - {INDEX})
RUNBOOK_PAGES = [path for path in PAGES if path.parent == RUNBOOKS.parent and path != RUNBOOKS]
"""They answer the same questions in the same order, for the person on call."""
ARTICLES = [path for path in PAGES if path not in RUNBOOK_PAGES]

each_article = pytest.mark.parametrize("path", ARTICLES, ids=lambda path: str(path.relative_to(ROOT)))


def linked_from(index: Path) -> set[Path]:
    links = Page.read(index).links
    return {(index.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link}


def test_the_index_links_to_every_page() -> None:
    assert set(ARTICLES) - linked_from(INDEX) == set()


def test_the_index_of_runbooks_links_to_every_runbook() -> None:
    assert set(RUNBOOK_PAGES) - linked_from(RUNBOOKS) == set()


def test_the_readme_links_to_the_index() -> None:
    assert INDEX in linked_from(ROOT / "README.md")


def test_the_index_has_a_section_for_each_folder_of_pages() -> None:
    needs = {path.parent.name for path in ARTICLES} - {"runbooks"}
    sections = {heading.partition(":")[0].lower() for heading in Page.read(INDEX).headings[1:]}

    assert sections == needs


@each_article
def test_a_page_begins_with_its_readers(path: Path) -> None:
    assert Page.read(path).paragraphs[0].startswith("For ")


@each_article
def test_a_page_ends_with_what_to_do_next(path: Path) -> None:
    page = Page.read(path)
    last = path.read_text(encoding="utf-8").rpartition("\n## Next\n")[2]

    assert page.headings[-1] == "Next"
    assert Page(last).links
