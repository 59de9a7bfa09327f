"""Text that any program may have written, made safe for a terminal."""

from __future__ import annotations


def printable(line: str) -> str:
    r"""Return a line in which what is no printable character is its escape: `\x1b` moves no cursor then."""
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in line
    )
