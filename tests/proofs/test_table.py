"""The output of the proofs, and the pages that they write."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.reference.markdown import table
from proofs.drill.document import write_document as write_drill
from proofs.drill.fault import expect
from proofs.drill.report import HEADINGS as DRILL_HEADINGS
from proofs.drill.result import Observation, Result
from proofs.drill.true_times import TrueTimes
from proofs.soak.report import write_document as write_soak
from proofs.table import HEADINGS, Row, interval_of_median, markdown, ratio_row, show, write_page
from stack.settings import PROJECT_ROOT

ROWS = [Row("jobs | lost [of all]", "2 of 7", "killed", "0", "missed"), Row("time", "3 s")]


def lines_of_table(text: str) -> list[str]:
    """The lines of the table in a page."""
    return [line for line in text.splitlines() if line.startswith("|")]


def test_a_bar_in_a_cell_is_escaped_and_a_row_without_target_is_shown() -> None:
    heading, _, lost, time = lines_of_table(markdown(ROWS))

    assert heading == f"| {' | '.join(HEADINGS)} |"
    assert lost == "| jobs \\| lost [of all] | 2 of 7 | killed | 0 | missed |"
    assert time == "| time | 3 s |  |  | shown |"


def test_the_terminal_shows_brackets_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS)

    assert "jobs | lost [of all]" in capsys.readouterr().out


def test_a_page_is_its_filled_template_with_one_line_break_at_the_end(tmp_path: Path) -> None:
    template, page = tmp_path / "template.md", tmp_path / "page.md"
    template.write_text("# {name}\n\n{table}\n")

    write_page(page, template, name="Proof", table=table(("a",), [("1",)]))

    assert page.read_text() == "# Proof\n\n| a |\n| --- |\n| 1 |\n"


def test_the_page_of_the_soak_shows_its_figures(tmp_path: Path) -> None:
    page = tmp_path / "soak.md"

    write_soak(page, ROWS, minutes=42, warm_up=420, interval=10)

    text = page.read_text()
    assert "MINUTES=42" in text
    assert lines_of_table(text) == lines_of_table(markdown(ROWS))


def test_the_page_of_the_drill_shows_each_expected_alert_and_each_problem(tmp_path: Path) -> None:
    page = tmp_path / "drill.md"
    found = [
        Observation(expect("RQExporterDown"), "critical", 6.0, resolved=3.0),
        Observation(expect("RQQueueStalled"), problem="did not arrive"),
    ]

    write_drill(page, "native", [Result("fault", "The exporter stops", found)], TrueTimes(PROJECT_ROOT))

    heading, _, first, second = lines_of_table(page.read_text())
    assert heading == f"| {' | '.join(DRILL_HEADINGS)} |"
    assert first.startswith("| The exporter stops | RQExporterDown")
    assert first.endswith("| RQQueueStalled did not arrive |")
    assert second.startswith("|  | RQQueueStalled")


@pytest.mark.parametrize(("runs", "lowest", "highest"), [(6, 0, 5), (9, 1, 7), (20, 5, 14), (41, 13, 27)])
def test_the_interval_of_a_median_is_that_of_the_sign_test(runs: int, lowest: int, highest: int) -> None:
    """The places are those of a table: Conover, Practical Nonparametric Statistics, for a level of 95 %."""
    assert interval_of_median([*range(runs)][::-1]) == (lowest, highest)


def test_a_median_of_five_values_has_no_interval_of_95_percent() -> None:
    with pytest.raises(ValueError, match="expected at least 6 values, got 5"):
        interval_of_median([1, 2, 3, 4, 5])


@pytest.mark.parametrize(("bound", "verdict"), [(0.0, "met"), (0.97, "missed"), (0.95, "met")])
def test_a_ratio_with_a_bound_is_met_only_if_the_interval_reaches_it(bound: float, verdict: str) -> None:
    ratios = [0.96] * 6 + [1.02] * 14

    assert ratio_row("speed", ratios, at_least=1.0, bound=bound).verdict == verdict
