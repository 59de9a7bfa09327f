"""Finds misspelt settings in `.env`. Otherwise they would be ignored without a warning."""

from __future__ import annotations

from collections.abc import Iterable

from stack.variables import KNOWN_NAMES, SETTINGS

MOST_EDITS = 2
LETTERS_FOR_EACH_EDIT = 3
"""Letters in a name for each typo that we allow. With more typos, WITH would match any word."""
OTHERS = ("DOCKER_", "BUILDKIT_")
"""Prefixes of Docker's own names."""
OTHER_WORDS = ("_HOST", "_CERT", "_POOL")
"""They are two letters away from PORT, and applications use them for their own Redis."""


def misspelt(names: Iterable[str]) -> list[str]:
    """Return a line for each name that is one or two typos away from a setting."""
    meant = {name: _meant_by(name) for name in names}
    return [
        f"{name} in .env: expected a name from docs/operate/settings.md; did you mean {ours}?"
        for name, ours in meant.items()
        if ours
    ]


def _meant_by(name: str) -> str | None:
    upper = name.upper()
    if name in KNOWN_NAMES or upper.startswith(OTHERS) or upper.endswith(OTHER_WORDS):
        return None
    edits = {each.name: _edits(upper, each.name) for each in SETTINGS}
    near = [ours for ours in edits if edits[ours] <= min(MOST_EDITS, len(ours) // LETTERS_FOR_EACH_EDIT)]
    return min(near, key=edits.__getitem__, default=None)


def _edits(one: str, other: str) -> int:
    """Return the edit distance: letters to insert, delete, replace, or swap with their neighbours."""
    if abs(len(one) - len(other)) > MOST_EDITS:
        return MOST_EDITS + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, another in enumerate(other, start=1):
            fewest = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != another))
            swapped = row > 1 and column > 1 and (letter, another) == (other[column - 2], one[row - 2])
            now.append(min(fewest, before[column - 2] + 1) if swapped else fewest)
        before, last = last, now
    return last[-1]
