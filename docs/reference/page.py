"""A page of Markdown, taken apart: its links, the anchors it offers, its blocks of code, its prose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

HTML_LINK = re.compile(r'\b(?:href|src|srcset)="([^"]+)"')
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->", re.DOTALL)
MARKDOWN = MarkdownIt("commonmark").enable("table")


class Block(NamedTuple):
    """A fenced block of code."""

    language: str
    text: str
    line: int
    why_not_run: str | None
    """The reason in the comment right above it: `<!-- not run: it ends the machine -->`."""


class Page:
    """A Markdown file as GitHub shows it."""

    def __init__(self, text: str) -> None:
        self.tokens = MARKDOWN.parse(text)

    @classmethod
    def read(cls, path: Path) -> Page:
        """Take a file apart."""
        return cls(path.read_text(encoding="utf-8"))

    @cached_property
    def links(self) -> list[str]:
        """Where its links and pictures lead; those in HTML come last."""
        in_markdown = [
            str(token.attrs[name])
            for token in self._inline()
            for type_, name in (("link_open", "href"), ("image", "src"))
            if token.type == type_
        ]
        html = (token.content for token in (*self.tokens, *self._inline()) if token.type.startswith("html_"))
        return in_markdown + [link for text in html for link in HTML_LINK.findall(text)]

    @cached_property
    def anchors(self) -> set[str]:
        """What may follow `#` in a link to it: GitHub's names of its headings."""
        seen = Counter[str]()
        names = set()
        for before, token in zip(self.tokens, self.tokens[1:], strict=False):
            if before.type == "heading_open":
                name = re.sub(r"[^\w\- ]", "", _plain(token).lower()).replace(" ", "-")
                names.add(f"{name}-{seen[name]}" if seen[name] else name)
                seen[name] += 1
        return names

    @cached_property
    def blocks(self) -> list[Block]:
        """Its fenced blocks of code."""
        found = []
        for before, token in zip([Token("", "", 0), *self.tokens], self.tokens, strict=False):
            if token.type == "fence" and token.map:
                reason = NOT_RUN.fullmatch(before.content.strip()) if before.type == "html_block" else None
                found.append(
                    Block(
                        token.info.strip(),
                        token.content,
                        token.map[0] + 1,
                        reason and " ".join(reason[1].split()),
                    )
                )
        return found

    @cached_property
    def headings(self) -> list[str]:
        """Its headings, in order."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return [_plain(token) for before, token in pairs if before.type == "heading_open"]

    @cached_property
    def paragraphs(self) -> list[str]:
        """Its prose: paragraphs and items of lists, without tables, headings and code blocks.

        A piece of code counts as one word.
        """
        return self._texts_in("paragraph_open")

    @cached_property
    def cells(self) -> list[str]:
        """The cells of its tables, without their headings."""
        return self._texts_in("td_open")

    def _texts_in(self, opening: str) -> list[str]:
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return [_plain(token, space_in_code="_") for before, token in pairs if before.type == opening]

    def _inline(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or ()


def _plain(token: Token, space_in_code: str = " ") -> str:
    """The words of a line as a reader sees them."""
    parts = []
    for child in token.children or ():
        if child.type == "code_inline":
            parts.append(child.content.replace(" ", space_in_code))
        elif child.type == "text":
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)
