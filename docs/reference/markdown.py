"""Markdown of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `make docs`: change the code, not this page. -->\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar in a cell does not end it."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(*words: str) -> str:
    """Return each word as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


def fill(page: str, name: str, content: str) -> str:
    """Return the page with `content` between the marks `<!-- generated: NAME -->` and `<!-- /generated -->`.

    Raises:
        ValueError: the page does not have these marks once.
    """
    begin, end = f"<!-- generated: {name} -->\n", "<!-- /generated -->\n"
    before, *rest = page.split(begin)
    if len(rest) != 1 or end not in rest[0]:
        raise ValueError(f"expected {begin.strip()} and {end.strip()} once")
    return f"{before}{begin}{content}{end}{rest[0].partition(end)[2]}"
