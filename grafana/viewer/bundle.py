"""The built page: its files, compressed once, and how long browsers may cache them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

BUNDLE = Path(__file__).parent / "bundle"
SCRIPT = "viewer.js"
STYLE = "viewer.css"
TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".txt": "text/plain"}
COMPRESSED = (".js", ".css", ".txt")

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="dark light">
<title>Dashboards</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/public/{style}?{version}">
<script type="module" src="/public/{script}?{version}"></script>
</head>
<body><div id="root"></div></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the bundle."""

    path: Path
    type: str
    compressed: bytes | None

    def plain(self) -> bytes:
        """Return the file uncompressed, for a browser that does not accept gzip."""
        return self.path.read_bytes()


class Bundle:
    """The files that the browser loads."""

    def __init__(self, folder: Path = BUNDLE) -> None:
        """Read the folder.

        Raises:
            FileNotFoundError: the page was not built.
        """
        content = (folder / SCRIPT).read_bytes() + (folder / STYLE).read_bytes()
        self.files = {
            path.relative_to(folder).as_posix(): _file(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }
        """The files that a browser may request, by path below /public/."""
        version = hashlib.sha256(content).hexdigest()[:16]
        # The URL changes with the content, so browsers can cache both files and never use old ones.
        self.page = PAGE.format(script=SCRIPT, style=STYLE, version=version)


def _file(path: Path) -> File:
    compressed = gzip.compress(path.read_bytes(), mtime=0) if path.suffix in COMPRESSED else None
    return File(path, TYPES[path.suffix], compressed)
