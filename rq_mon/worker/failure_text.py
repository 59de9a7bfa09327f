"""Limits the text of a failure, so that Redis can store it."""

from __future__ import annotations

LONGEST_LINE = 5_000
LONGEST_TEXT = 200_000
"""Longest line and longest traceback, in characters."""


def recordable(text: str) -> str:
    """Return a failure's text without unstorable characters, with long lines and then its middle cut out.

    The exception class is at the head of its message, and the message at the end of the text.
    """
    if len(text) > LONGEST_LINE:
        text = "\n".join(_cut(line, LONGEST_LINE) for line in text.split("\n"))
    return _cut(text, LONGEST_TEXT).encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {len(text) - 2 * half} characters left out ... {text[-half:]}"
