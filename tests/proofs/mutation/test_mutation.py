"""Mutants of a small package: their selection, the tests that notice them, and the stored results."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from proofs.mutation import document
from proofs.mutation.document import NO_REASON, rows, share_of, survivors, write_document
from proofs.mutation.mutants import Mutant, pick
from proofs.mutation.project import Project
from proofs.mutation.reach import FailingTestsError, Reach, find_reach
from proofs.mutation.result import Memory, Result
from proofs.mutation.run import try_out
from proofs.mutation.workshop import Workshop, open_workshops

PRICE = '''"""Prices."""

def price(pieces: int, each: "int | None" = 3) -> int:
    """The whole price."""
    total = pieces * each
    return total
'''
FILES = {
    "shop/__init__.py": "",
    "shop/till/__init__.py": "",
    "shop/till/price.py": PRICE,
    "shop/till/sale.py": "from shop.till.price import price\n\ndef sale(log):\n    log.append(price(2))\n",
    "shop/till/unused.py": "def unused(log):\n    log.clear()\n",
    "shop/till/slow.py": "def number():\n    return 7\n",
    "shop/till/endless.py": "def count():\n    while False:\n        pass\n",
    "shop/report.py": "from shop.till.price import price\n\ndef report():\n    return f'{price(1)}'\n",
    "tests/shop/till/test_price.py": (
        "from shop.till.price import price\n\ndef test_price():\n    assert price(2, 5) == 10\n"
    ),
    "tests/shop/till/test_sale.py": (
        "from shop.till.sale import sale\n\n"
        "def test_sale():\n    log = []\n    sale(log)\n    assert log == [6]\n"
    ),
    "tests/shop/till/test_slow.py": (
        "import pytest\nfrom shop.till.slow import number\n\n"
        "@pytest.mark.slow\n@pytest.mark.parametrize('_', [1], ids=['by day'])\n"
        "def test_slow(_):\n    assert number() == 7\n"
    ),
    "tests/shop/till/test_endless.py": (
        "from shop.till.endless import count\n\ndef test_count():\n    count()\n"
    ),
    "shop/till/parcel.py": (
        "import sys\n\nif len(sys.argv) > 1:\n    print(\n        sys.argv[1].strip(),\n    )\n"
    ),
    "tests/shop/till/test_parcel.py": (
        "import subprocess, sys\n\ndef test_parcel():\n"
        "    command = [sys.executable, '-m', 'shop.till.parcel', 'x ']\n"
        "    assert subprocess.run(command, capture_output=True).stdout == b'x\\n'\n"
    ),
    "tests/shop/conftest.py": "",
    "tests/shop/test_report.py": (
        "from shop.report import report\n\ndef test_report():\n    assert report() == '3'\n"
    ),
    "tests/other/test_other.py": "from shop.till.price import price\n",
    "pyproject.toml": (
        "[tool.pytest.ini_options]\naddopts = '-p no:dash -p no:hypothesispytest'\n"
        "markers = ['slow']\npythonpath = ['.']\n"
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "shop"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return Project(root, ["shop/till"])


@pytest.fixture
def reach(project: Project, tmp_path: Path) -> Reach:
    return find_reach(project, tmp_path / "reach.json", at_a_time=2)


@pytest.fixture
def workshop(project: Project, tmp_path: Path, reach: Reach) -> Workshop:
    return Workshop(project, tmp_path / "workshop", reach)


def mutant_of(project: Project, path: str, original: str, mutated: str) -> Mutant:
    """A mutant of a file with one line changed."""
    text = (project.root / path).read_text()
    assert text.count(original) == 1
    line = text[: text.index(original)].count("\n") + 1
    return Mutant(path, line, original, mutated, text.replace(original, mutated))


def faults(mutants: list[Mutant]) -> list[tuple[str, int, str]]:
    return [(mutant.path, mutant.line, mutant.mutated) for mutant in mutants]


def test_the_same_seed_selects_the_same_mutants_and_another_seed_others(project: Project) -> None:
    first, again, other = (pick(project.root, project.packages, 6, seed) for seed in (1, 1, 2))

    assert first == again
    assert faults(first) != faults(other)
    assert pick(project.root, project.packages, 2, seed=1) == first[:2]


def test_each_place_is_selected_once_and_only_in_the_packages(project: Project) -> None:
    picked = pick(project.root, project.packages, 1000, seed=3)

    assert len({mutant.key for mutant in picked}) == len(picked) > 8
    assert {mutant.path for mutant in picked} == {
        f"shop/till/{name}.py" for name in ("price", "sale", "unused", "slow", "endless", "parcel")
    }


def test_a_mutant_changes_its_line_but_no_annotation_or_docstring(
    project: Project,
) -> None:
    for seed in range(30):
        for mutant in pick(project.root, project.packages, 1000, seed):
            lines = (project.root / mutant.path).read_text().splitlines()
            assert mutant.original.startswith(lines[mutant.line - 1].strip())
            assert mutant.mutated != mutant.original
            if mutant.path == "shop/till/price.py":
                assert '"int | None"' in mutant.code
                assert '"""The whole price."""' in mutant.code


def test_mutants_leave_out_calls_and_negate_conditions(project: Project) -> None:
    found = {
        fault for seed in range(30) for fault in faults(pick(project.root, project.packages, 1000, seed))
    }

    assert ("shop/till/unused.py", 2, "pass") in found
    assert ("shop/till/endless.py", 2, "while not (False):") in found
    assert ("shop/till/price.py", 5, "total = pieces / each") in found


def test_the_tests_that_run_a_line_are_found_even_if_a_child_process_runs_it(
    project: Project, reach: Reach
) -> None:
    def tests_of(path: str, line: int) -> set[str]:
        return {Path(test).name for test in reach.tests_of(project.root / path, path, line)}

    assert tests_of("shop/till/price.py", 5) == {"test_price.py", "test_sale.py", "test_report.py"}
    assert tests_of("shop/till/sale.py", 4) == {"test_sale.py"}
    assert tests_of("shop/till/parcel.py", 5) == {"test_parcel.py"}, (
        "a line of a statement that is not its first"
    )
    assert tests_of("shop/till/unused.py", 2) == set()


def test_the_reach_is_saved_until_a_file_changes(project: Project, reach: Reach, tmp_path: Path) -> None:
    before = project.digest()
    assert find_reach(project, tmp_path / "reach.json", at_a_time=1) == reach

    (project.root / "tests/shop/test_report.py").write_text("")

    assert project.digest() != before


@pytest.mark.slow(seconds=6)
def test_a_mutant_that_a_test_notices_is_killed_and_any_other_survives(
    project: Project, workshop: Workshop
) -> None:

    noticed = workshop.try_out(mutant_of(project, "shop/till/price.py", "pieces * each", "pieces / each"))
    unnoticed = workshop.try_out(mutant_of(project, "shop/till/unused.py", "log.clear()", "pass"))

    assert noticed.outcome == "killed"
    assert noticed.noticed_by in (
        "tests/shop/till/test_price.py::test_price",
        "tests/shop/till/test_sale.py::test_sale",
        "tests/shop/test_report.py::test_report",
    ), "any of the three may be the quickest"
    assert (unnoticed.outcome, unnoticed.noticed_by) == ("survived", "")
    same_size = workshop.try_out(mutant_of(project, "shop/till/price.py", "pieces * each", "pieces + each"))
    assert same_size.outcome == "killed"
    assert {name: (project.root / name).read_text() for name in FILES} == FILES


@pytest.mark.slow(seconds=6)
def test_slow_tests_and_tests_of_other_folders_can_notice_a_mutant(
    project: Project, workshop: Workshop
) -> None:
    slow = workshop.try_out(mutant_of(project, "shop/till/slow.py", "7", "8"))
    other = workshop.try_out(mutant_of(project, "shop/till/price.py", 'each: "int | None" = 3', "each=3.0"))

    assert slow.noticed_by == "tests/shop/till/test_slow.py::test_slow[by day]"
    assert other.noticed_by == "tests/shop/test_report.py::test_report"


@pytest.mark.slow(seconds=6)
@pytest.mark.parametrize("end", ["os._exit(0)", "os.killpg(0, 9)"])
def test_a_mutant_that_ends_pytest_or_its_process_group_is_killed(
    project: Project, workshop: Workshop, end: str
) -> None:
    begin = "def sale(log):\n"
    ending = mutant_of(project, "shop/till/sale.py", begin, f"import os\n{begin}    {end}\n")

    assert workshop.try_out(ending).outcome == "killed"


@pytest.mark.slow(seconds=6)
def test_a_python_that_cannot_run_tests_ends_the_run(
    project: Project, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise every mutant would count as noticed."""
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(subprocess.CalledProcessError):
        workshop.try_out(mutant_of(project, "shop/till/price.py", "pieces * each", "pieces / each"))


@pytest.mark.e2e(seconds=40)
def test_a_mutant_whose_tests_do_not_end_is_a_timeout(project: Project, workshop: Workshop) -> None:
    result = workshop.try_out(mutant_of(project, "shop/till/endless.py", "False", "True"))

    assert result.outcome == "timeout"


@pytest.mark.slow(seconds=6)
def test_tests_that_fail_without_a_mutant_are_refused(project: Project, tmp_path: Path) -> None:
    (project.root / "shop/till/price.py").write_text(PRICE.replace("*", "+"))

    with pytest.raises(FailingTestsError, match="test_report"):
        find_reach(project, tmp_path / "reach.json", at_a_time=2)
    assert not (tmp_path / "reach.json").exists()


@pytest.mark.slow(seconds=6)
def test_an_interrupted_run_continues_where_it_stopped(
    project: Project, reach: Reach, tmp_path: Path
) -> None:
    file = tmp_path / "memory.jsonl"
    mutants = [
        mutant_of(project, "shop/till/price.py", "pieces * each", "pieces / each"),
        mutant_of(project, "shop/till/unused.py", "log.clear()", "pass"),
        mutant_of(project, "shop/till/slow.py", "7", "8"),
    ]
    with open_workshops(project, 2, reach) as workshops:
        begun = list(try_out(mutants[:2], workshops, Memory(file), seconds=60))
        no_time = list(try_out(mutants, workshops, Memory(file), seconds=-1))
        whole = list(try_out(mutants, workshops, Memory(file), seconds=60))

    assert sorted(result.outcome for result in begun) == ["killed", "survived"]
    assert sorted(no_time, key=str) == sorted(begun, key=str)
    assert len(whole) == 3
    assert len(file.read_text().splitlines()) == 3


def result_of(path: str, outcome: str, original: str = "a | b") -> Result:
    return Result(path, 4, original, "a", outcome, "", 1.0)  # type: ignore[arg-type]


WITHOUT_EFFECT = """
- {path: shop/till/price.py, original: a | c, mutated: a, reason: no one reads c}
- {path: shop/report.py, original: a | b, mutated: a, reason: no one reads b}
"""


@pytest.fixture
def reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "reasons.yml"
    file.write_text(WITHOUT_EFFECT)
    monkeypatch.setattr(document, "REASONS", file)


@pytest.mark.usefixtures("reasons")
def test_the_page_shows_the_rate_and_each_survivor(tmp_path: Path) -> None:
    results = [
        result_of("shop/till/price.py", "killed"),
        result_of("shop/till/price.py", "survived"),
        result_of("shop/till/price.py", "survived", "a | c"),
        replace(result_of("shop/report.py", "timeout"), seconds=5.0),
    ]
    page = tmp_path / "mutation.md"

    write_document(page, results, picked=7, seed=42, day=date(2026, 3, 4), late=1)

    text = page.read_text()
    assert share_of(results) == pytest.approx(2 / 3)
    assert rows(results, picked=7)[-1].verdict == "missed"
    assert "2026-03-04, seed 42: 4 of the 7 picked mutants were tried, which took 2 s each" in text
    assert (
        "| shop/till | 50.0% noticed | of 3: 1 noticed (0 by time), 1 without effect, 1 missed |  | shown |"
        in text
    )
    assert (
        "| all | 66.7% noticed | of 4: 2 noticed (1 by time), 1 without effect, 1 missed | ≥ 95% | missed |"
        in text
    )
    assert "The run itself noticed 33.3%." in text
    assert "1 more were noticed" in text
    assert "the rate of the table is 50.0%." in text
    assert "1 of them say that a test is missing" in text
    assert f"| shop/till/price.py:4 | `a \\| b` | `a` | {NO_REASON} |" in text
    assert "| shop/till/price.py:4 | `a \\| c` | `a` | no one reads c |" in text


@pytest.mark.usefixtures("reasons")
def test_a_package_whose_mutants_have_no_effect_has_no_rate() -> None:
    results = [result_of("shop/report.py", "survived"), result_of("shop/till/price.py", "killed")]

    report, till, _ = rows(results, picked=2)

    assert (report.name, report.figure) == ("shop", "")
    assert (till.name, till.figure) == ("shop/till", "100.0% noticed")


@pytest.mark.usefixtures("reasons")
def test_a_reason_takes_only_a_survivor_out_of_the_rate() -> None:
    assert share_of([result_of("shop/report.py", "killed")] * 2) == 1
    assert share_of([result_of("shop/report.py", "killed"), result_of("shop/report.py", "survived")]) == 1
    assert share_of([result_of("shop/report.py", "survived")]) == 0


def test_the_target_is_met_only_if_all_mutants_were_tried() -> None:
    results = [result_of("shop/report.py", "killed"), result_of("shop/report.py", "timeout")]

    assert rows(results, picked=2)[-1].verdict == "met"
    assert rows(results, picked=3)[-1].verdict == "shown"


def test_a_run_without_results_has_a_rate_of_zero() -> None:
    assert share_of([]) == 0
    assert survivors([]) == []
