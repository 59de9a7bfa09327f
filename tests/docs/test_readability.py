"""Sentences are short: none over 35 words, and half of those on a page at most 16."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.reference.page import Page
from docs.reference.readability import ROOT, alert_texts, pages, reading, sentences, words

LONGEST = 35
MEDIAN = 16
PAGES = pages()


def too_long(paragraphs: list[str]) -> list[str]:
    """Return the sentences that are too long."""
    return [sentence for sentence in sentences(paragraphs) if len(words(sentence)) > LONGEST]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_of_a_page_is_too_long(path: Path) -> None:
    page = Page.read(path)

    assert too_long(page.paragraphs + page.cells) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_half_of_the_sentences_of_a_page_are_short(path: Path) -> None:
    assert reading(Page.read(path).paragraphs).median <= MEDIAN


def test_alerts_have_short_sentences() -> None:
    texts = [text for _, texts in alert_texts() for text in texts]

    assert too_long(texts) == []
    assert reading(texts).median <= MEDIAN


def test_sentences_end_where_a_reader_pauses() -> None:
    text = [
        "Run `make test`. `make lint` is next, e.g. in CI: it takes 1.5 min (see RQ 2.12). Done",
        "A list:",
    ]

    assert [len(words(each)) for each in sentences(text)] == [3, 14, 1, 2]


def test_code_counts_as_one_word_and_tables_are_apart_and_blocks_are_skipped() -> None:
    page = Page("Run `make test ARGS=x` now.\n\n| a b c |\n|---|\n| d e f |\n\n```\ng h i\n```\n")

    assert [words(each) for each in sentences(page.paragraphs)] == [["Run", "make_test_ARGS=x", "now."]]
    assert page.cells == ["d e f"]


def test_plain_words_have_a_lower_reading_grade() -> None:
    plain, stilted = (
        ["The cat sat on the mat."],
        ["Considerable organisational responsibility necessitates documentation."],
    )

    assert reading(plain).grade < 3 < 15 < reading(stilted).grade
