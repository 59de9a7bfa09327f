"""docs/use/dashboards.md: each dashboard with its question and its pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rq_mon.cli.main import main
from tests.harness.pages import Page

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "use" / "dashboards.md").read_text(encoding="utf-8")
BOARDS = [json.loads(path.read_text()) for path in sorted((ROOT / "grafana" / "generated").glob("*.json"))]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_each_dashboard_has_its_question_and_its_pictures(board: dict[str, str]) -> None:
    title = board["title"].removeprefix("RQ / ")
    (section,) = re.findall(rf"^## {title}\n\n(.+?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)

    assert f"| [{title}](#{title.lower().replace(' ', '-')}) | {board['description']} |" in TEXT
    assert " ".join(section.split()).startswith(board["description"])
    light, dark = re.findall(r'src(?:set)?="(.+)"', section)
    assert "prefers-color-scheme: light" in section
    assert light == dark.replace(".png", "-light.png")
    assert all((ROOT / "docs" / "use" / picture).exists() for picture in (light, dark))


def test_the_page_has_no_other_dashboards() -> None:
    assert len(re.findall(r"^## (?!Next$|What the numbers are$)", TEXT, re.MULTILINE)) == len(BOARDS)


def test_the_command_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = Page("use/dashboards.md").commands
    monkeypatch.chdir(tmp_path)

    assert main(command.split()[1:]) == 0
    assert len(list((tmp_path / "rq-mon-dashboards").iterdir())) == len(BOARDS)
