"""The generated lists of settings are complete, and `.env.example` can be used."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from docs.reference.markdown import fill
from docs.reference.settings import env_example, sections, settings_page
from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.variables import variables_in
from rq_mon.settings import Settings
from stack.settings import load_settings
from stack.variables import SETTINGS

NAMES = Counter(variable.name for variable in SETTINGS)
SET_BY_THE_STACK = {"RQ_EXPORTER_HOST"}


def test_every_setting_is_declared_once() -> None:
    assert set(NAMES.values()) == {1}
    assert {each.name for each in variables_in(Settings).values()} - SET_BY_THE_STACK <= NAMES.keys()


def test_every_setting_has_one_row_and_one_line() -> None:
    rows = Counter(re.findall(r"^\| `([A-Z_]+)` \|", settings_page(), re.MULTILINE))
    lines = Counter(re.findall(r"^#([A-Z_]+)=", env_example(), re.MULTILINE))

    assert rows == lines == NAMES


def test_a_setting_is_in_the_first_section_with_a_matching_pattern() -> None:
    found = {section.heading: {each.name for each in own} for section, own in sections()}

    assert "RQ_MON_IMAGE" in found["Images"]
    assert "RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE" in found["Metrics"]
    assert found["Ports"] >= {"RQ_EXPORTER_PORT", "RQ_MON_WEB_PORT"}


def test_the_example_is_valid_without_its_comment_signs(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", env_example(), flags=re.MULTILINE))

    assert read_dotenv(copy) == {variable.name: variable.default_text for variable in SETTINGS}
    assert load_settings({}, copy).ports == load_settings({}, tmp_path / "none").ports


def test_only_the_text_between_the_marks_is_replaced() -> None:
    page = (
        "a\n<!-- generated: x -->\nold\n<!-- /generated -->\nb\n<!-- generated: y -->\n<!-- /generated -->\n"
    )

    assert fill(page, "x", "new\n") == page.replace("old", "new")
    assert fill(page, "y", "new\n").count("new") == 1


@pytest.mark.parametrize(
    "page", ["", "<!-- generated: x -->\n", "<!-- generated: x -->\n<!-- /generated -->\n" * 2]
)
def test_a_page_without_the_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="<!-- generated: x -->"):
        fill(page, "x", "new\n")
