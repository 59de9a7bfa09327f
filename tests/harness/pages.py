"""Pages of docs/ as a reader uses them: files to save and commands to paste."""

from __future__ import annotations

import re
from pathlib import Path

from tests.harness.environments import PROJECT_ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# ([\w./-]+\.\w+)\n")


class Page:
    """A page of docs/."""

    def __init__(self, name: str) -> None:
        self.blocks = BLOCK.findall((PROJECT_ROOT / "docs" / name).read_text(encoding="utf-8"))

    @property
    def files(self) -> dict[str, str]:
        """The blocks that begin with a file name."""
        return {found[1]: text for _, text in self.blocks if (found := FILE_NAME.match(text))}

    @property
    def commands(self) -> list[str]:
        """The lines of shell, without comments."""
        lines = [line for language, text in self.blocks if language == "sh" for line in text.splitlines()]
        return [re.sub(r"\s+#.*$", "", line) for line in lines if line]

    def command(self, beginning: str) -> str:
        """Return the one command that begins with this."""
        (found,) = [command for command in self.commands if command.startswith(beginning)]
        return str(found)

    def write_files(self, folder: Path, changes: dict[str, str]) -> None:
        """Save the files as a reader does, with this test's addresses."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changed(text, changes))


def changed(text: str, changes: dict[str, str]) -> str:
    """Return the text with these replacements."""
    for old, new in changes.items():
        text = text.replace(old, new)
    return text
